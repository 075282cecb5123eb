import { elements } from "./page.js";
import { arrange } from "./message-looks.js";

/**
 * The messages that are in the page: a stretch of the conversation without holes, in the order of their places,
 * each once, and never more than the page can carry.
 */
const MOST = 300; // messages in the page

export class MessageWindow {
  hasBefore;
  hasAfter;
  firstUnread = null; // the place before which the divider stands
  #list;

  constructor(list) {
    this.#list = list;
    this.#readEdges(list);
  }

  get messages() {
    return [...this.#list.children].filter((element) => element.matches(".message"));
  }

  get first() {
    return this.#list.querySelector(":scope > .message");
  }

  get last() {
    return this.#list.lastElementChild; // dividers stand before messages
  }

  get isFull() {
    return this.#list.children.length >= MOST + 100;
  }

  at(seq) {
    return this.#list.querySelector(`:scope > .message[data-seq="${seq}"]`);
  }

  /** Draws the message of a frame. Returns its element if it is new here, null otherwise. */
  put(frame) {
    const existing = document.getElementById(`message-${frame.id}`);
    if (existing) {
      if (Number(existing.dataset.rev) < frame.rev) this.#replace(existing, frame.html);
      return null;
    }
    if (!this.#covers(frame.seq)) return null;
    const [message] = elements(frame.html);
    const next = this.messages.findLast((other) => seqOf(other) < frame.seq)?.nextElementSibling;
    if (next !== undefined) this.#list.insertBefore(message, next);
    else if (this.first) this.first.before(message);
    else this.#list.append(message);
    this.#arrangeAround(message);
    return message;
  }

  /** Draws everything anew, after the whole list was replaced or the divider moved. */
  arrangeAll() {
    this.messages.forEach((message) => arrange(message, this.firstUnread));
  }

  /** Puts a fetched stretch in front, behind, or in the place of what is there. */
  take(page, where) {
    const fetched = page.querySelector("#messages");
    const fresh = [...fetched.children].filter((message) => !document.getElementById(message.id) || where === "instead");
    if (where === "instead") this.#list.replaceChildren(...fresh);
    else if (where === "before") this.#list.prepend(...fresh);
    else this.#list.append(...fresh);
    if (where !== "after") this.hasBefore = "hasBefore" in fetched.dataset;
    if (where !== "before") this.hasAfter = "hasAfter" in fetched.dataset;
    if (where === "before") this.trimEnd();
    if (where === "after") this.trimStart();
    this.arrangeAll();
    return fetched;
  }

  trimStart() {
    const surplus = this.messages.slice(0, -MOST);
    if (!surplus.length) return;
    this.#remove(surplus);
    this.hasBefore = true;
    if (this.first) arrange(this.first, this.firstUnread);
  }

  trimEnd() {
    const surplus = this.messages.slice(MOST);
    if (!surplus.length) return;
    this.#remove(surplus);
    this.hasAfter = true;
  }

  #covers(seq) {
    const [first, last] = [this.first, this.last];
    if (!first) return !this.hasAfter;
    return (seq > seqOf(first) || !this.hasBefore) && (seq < seqOf(last) || !this.hasAfter);
  }

  #replace(existing, html) {
    const [message] = elements(html);
    if (existing.tabIndex === 0) message.tabIndex = 0;
    const hadFocus = existing.contains(document.activeElement);
    if (existing.dataset.highlight !== undefined) message.dataset.highlight = "";
    existing.replaceWith(message);
    if (hadFocus) message.focus({ preventScroll: true });
    this.#arrangeAround(message);
  }

  #arrangeAround(message) {
    arrange(message, this.firstUnread);
    let next = message.nextElementSibling;
    while (next && !next.matches(".message")) next = next.nextElementSibling;
    if (next) arrange(next, this.firstUnread);
  }

  #remove(messages) {
    const last = messages.at(-1);
    for (const message of messages) {
      while (message.previousElementSibling && !message.previousElementSibling.matches(".message")) message.previousElementSibling.remove();
      message.remove();
    }
    return last;
  }

  #readEdges({ dataset }) {
    this.hasBefore = "hasBefore" in dataset;
    this.hasAfter = "hasAfter" in dataset;
  }
}

export const seqOf = (message) => Number(message.dataset.seq);
