/*
 * What scripts say, in the reader's language:
 *   format(gettext("%(name)s is typing"), { name })      format(ngettext("%(n)s reply", "%(n)s replies", n), { n })
 * The catalogue (realtime/words.py) is loaded by the page before any module; in English there is none.
 */
const { django = {} } = globalThis;

export const gettext = django.gettext ?? ((text) => text);
export const ngettext = django.ngettext ?? ((one, several, count) => (count === 1 ? one : several));

/** The language of the page, as Intl wants it. */
export const language = document.documentElement.lang || undefined;

/** Puts facts where the text names them. */
export function format(text, facts) {
  return text.replace(/%\((\w+)\)s/g, (_, name) => facts[name]);
}

/**
 * Says the words of a fragment that is the same for everybody: the text of `<b data-word>`, the named attributes of
 * `<a data-word="title aria-label">`. What the page has said already, in the reader's language, stays as it is.
 */
export function sayWords(fragment) {
  if (!django.pgettext) return;
  for (const element of [fragment, ...fragment.querySelectorAll("[data-word]")]) {
    if (!element.hasAttribute?.("data-word")) continue;
    const names = element.dataset.word.split(" ").filter(Boolean);
    for (const name of names) element.setAttribute(name, django.pgettext("fragment", element.getAttribute(name)));
    if (!names.length) element.textContent = django.pgettext("fragment", element.textContent);
  }
}
