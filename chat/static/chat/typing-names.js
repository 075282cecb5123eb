/* Who is typing. Each name leaves by itself; nobody has to say that they stopped. */
import { format, gettext } from "../realtime/words.js";
import { me } from "./page.js";

const NAMED = 3;

class TypingNames extends HTMLElement {
  #people = new Map(); // user id: {name, timer}

  disconnectedCallback() {
    for (const { timer } of this.#people.values()) clearTimeout(timer);
    this.#people.clear();
  }

  started({ user, name, seconds }) {
    if (user === me) return;
    clearTimeout(this.#people.get(user)?.timer);
    this.#people.set(user, { name, timer: setTimeout(() => this.stopped(user), seconds * 1000) });
    this.#show();
  }

  stopped(user) {
    if (!this.#people.has(user)) return;
    clearTimeout(this.#people.get(user).timer);
    this.#people.delete(user);
    this.#show();
  }

  #show() {
    const names = [...this.#people.values()].map((person) => person.name);
    this.replaceChildren();
    if (!names.length) return;
    const dots = document.createElement("span");
    dots.className = "typing__dots";
    dots.append(...[1, 2, 3].map(() => document.createElement("i")));
    this.append(dots, sentence(names));
  }
}

function sentence(names) {
  if (names.length === 1) return format(gettext("%(name)s is typing"), { name: names[0] });
  if (names.length > NAMED) return gettext("Several people are typing");
  return format(gettext("%(names)s and %(last)s are typing"), { names: names.slice(0, -1).join(", "), last: names.at(-1) });
}

customElements.define("typing-names", TypingNames);
