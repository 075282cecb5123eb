/* Completes an @name while it is typed. The field keeps the focus; the choice is told by aria-activedescendant. */
import { avatar } from "../js/avatar.js";
import { me, template } from "./page.js";

const WORD = /(?:^|[\s(])@([\w.+-]{0,40})$/u;
const SHOWN = 8;

class MentionList extends HTMLElement {
  #field;
  #controller;
  #start = 0;
  #question = new AbortController();

  connectedCallback() {
    this.#controller = new AbortController();
    const { signal } = this.#controller;
    this.#field = this.closest("form").querySelector("textarea");
    this.#field.addEventListener("input", () => this.#look(), { signal });
    this.#field.addEventListener("blur", () => this.#close(), { signal });
    this.#field.addEventListener("keydown", (event) => this.#pressed(event), { signal, capture: true });
    // Not "click": the field would lose the focus, and the list with it.
    this.addEventListener("pointerdown", (event) => this.#clicked(event), { signal });
  }

  disconnectedCallback() {
    this.#controller.abort();
    this.#question.abort();
  }

  get #chosen() {
    return this.querySelector('[aria-selected="true"]');
  }

  /** The name is already written out. */
  get #isWhole() {
    return this.#field.value.slice(this.#start, this.#field.selectionStart).toLowerCase() === this.#chosen.dataset.name.toLowerCase();
  }

  #look() {
    const before = this.#field.value.slice(0, this.#field.selectionStart);
    const match = before.match(WORD);
    if (!match) return this.#close();
    this.#start = before.length - match[1].length;
    const wanted = match[1].toLowerCase();
    const members = document.querySelector("member-list");
    this.#offer(members.people, wanted);
    this.#ask(members, wanted);
  }

  /** What was typed since, or a list that was closed, makes an answer void; without one there are those who are listed. */
  async #ask(members, wanted) {
    this.#question.abort();
    this.#question = new AbortController();
    const { signal } = this.#question;
    const found = await members.find(wanted, signal).catch(() => []);
    if (signal.aborted || !found.length) return;
    const listed = new Set(members.people.map(({ id }) => id));
    this.#offer([...members.people, ...found.filter(({ id }) => !listed.has(id))], wanted, this.#chosen?.dataset.name);
  }

  #offer(everybody, wanted, chosen) {
    const rank = ({ name }) => name.toLowerCase().indexOf(wanted); // beginnings first
    const people = everybody.filter((person) => person.id !== me && rank(person) >= 0);
    people.sort((a, b) => rank(a) - rank(b));
    this.replaceChildren(...people.slice(0, SHOWN).map(option));
    this.hidden = !people.length;
    this.#select([...this.children].find(({ dataset }) => dataset.name === chosen) ?? this.firstElementChild);
  }

  #pressed(event) {
    if (this.hidden || event.isComposing) return;
    const { nextElementSibling, previousElementSibling } = this.#chosen;
    if (event.key === "ArrowDown") this.#select(nextElementSibling ?? this.firstElementChild);
    else if (event.key === "ArrowUp") this.#select(previousElementSibling ?? this.lastElementChild);
    else if (event.key === "Enter" && this.#isWhole) return this.#close(); // nothing left to complete: it sends
    else if (event.key === "Enter" || event.key === "Tab") this.#complete(this.#chosen);
    else if (event.key === "Escape") this.#close();
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  #clicked(event) {
    event.preventDefault();
    const option = event.target.closest("[role=option]");
    if (option) this.#complete(option);
  }

  #select(option) {
    this.#chosen?.setAttribute("aria-selected", "false");
    option?.setAttribute("aria-selected", "true");
    option?.scrollIntoView({ block: "nearest" });
    if (option && !this.hidden) this.#field.setAttribute("aria-activedescendant", option.id);
    else this.#field.removeAttribute("aria-activedescendant");
  }

  #complete(option) {
    this.#field.setRangeText(`${option.dataset.name} `, this.#start, this.#field.selectionStart, "end");
    this.#close();
    this.#field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  #close() {
    this.#question.abort();
    this.hidden = true;
    this.replaceChildren();
    this.#field.removeAttribute("aria-activedescendant");
  }
}

function option(person, index) {
  const element = template("mention");
  element.id = `mention-${index}`;
  element.dataset.name = person.name;
  element.querySelector(".mention-option__name").textContent = `@${person.name}`;
  element.prepend(avatar(person, "small"));
  return element;
}

customElements.define("mention-list", MentionList);
