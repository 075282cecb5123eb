/* Who is typing. Each name leaves by itself; nobody has to say that they stopped. */
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
  if (names.length === 1) return `${names[0]} is typing`;
  if (names.length > NAMED) return "Several people are typing";
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)} are typing`;
}

customElements.define("typing-names", TypingNames);
