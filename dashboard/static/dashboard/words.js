/*
 * What scripts say, in the reader's language:
 *   format(gettext("No news: %(why)s"), { why })
 * The words are those of Django's JavaScriptCatalog, if the page has loaded one before any module; else they are English.
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

const POINT = (0.5).toLocaleString(language).at(1);

/** The digits of a number with the reader's decimal sign. */
export function pointed(digits) {
  return digits.replace(".", POINT);
}
