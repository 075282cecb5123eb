/* A small pop-up to choose an emoji from: `picker.choose(button)` resolves to one, or to null. */
import { gettext } from "../realtime/words.js";
import { EMOJI } from "./emoji.js";

const COLUMNS = 8;
const STEPS = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -COLUMNS, ArrowDown: COLUMNS };

class EmojiPicker extends HTMLElement {
  #controller;
  #search;
  #grid;
  #answer = null;

  connectedCallback() {
    this.#controller = new AbortController();
    const { signal } = this.#controller;
    this.#build();
    this.addEventListener("click", (event) => this.#pick(event.target.closest("button")?.value), { signal });
    this.addEventListener("keydown", (event) => this.#pressed(event), { signal });
    this.addEventListener("toggle", (event) => event.newState === "closed" && this.#settle(null), { signal });
    this.#search.addEventListener("input", () => this.#filter(), { signal });
  }

  disconnectedCallback() {
    this.#controller.abort();
    this.#settle(null);
    this.replaceChildren();
  }

  choose(anchor) {
    this.#settle(null);
    this.#search.value = "";
    this.#filter();
    this.showPopover({ source: anchor });
    this.#search.focus();
    return new Promise((resolve) => (this.#answer = resolve));
  }

  #build() {
    this.#search = document.createElement("input");
    const label = gettext("Find an emoji");
    Object.assign(this.#search, { className: "input emoji__search", type: "search", placeholder: label, ariaLabel: label, autocomplete: "off" });
    this.#grid = document.createElement("div");
    this.#grid.className = "emoji__grid";
    this.#grid.append(...EMOJI.map(choice));
    this.replaceChildren(this.#search, this.#grid);
  }

  get #shown() {
    return [...this.#grid.querySelectorAll("button:not([hidden])")];
  }

  #filter() {
    const wanted = this.#search.value.trim().toLowerCase();
    for (const button of this.#grid.children) button.hidden = !button.ariaLabel.toLowerCase().includes(wanted);
  }

  #pressed(event) {
    const shown = this.#shown;
    const index = shown.indexOf(event.target);
    if (event.target === this.#search && event.key === "Enter") {
      event.preventDefault();
      this.#pick(shown[0]?.value);
    } else if (event.target === this.#search && event.key === "ArrowDown") {
      event.preventDefault();
      shown[0]?.focus();
    } else if (index >= 0 && event.key in STEPS) {
      event.preventDefault();
      (shown[index + STEPS[event.key]] ?? this.#search).focus();
    }
  }

  #pick(emoji) {
    if (!emoji) return;
    this.#settle(emoji);
    this.hidePopover();
  }

  #settle(emoji) {
    this.#answer?.(emoji);
    this.#answer = null;
  }
}

function choice({ character, words }) {
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "emoji__choice", value: character, textContent: character, ariaLabel: words, title: words });
  return button;
}

customElements.define("emoji-picker", EmojiPicker);
