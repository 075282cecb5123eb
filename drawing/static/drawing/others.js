/* The other people: who is here, where their cursors are, and following one of them. */
import { HUES, avatar } from "../js/avatar.js";
import { format, gettext, ngettext } from "../realtime/words.js";
import { tell } from "./wire.js";

const IDLE = 12_000; // ms without a movement, and a cursor fades
const FACES = 5; // shown beside the title; the others are in the list
const TELL = 250; // ms between two views that are told
const AGAIN = 4_000; // ms; whoever begins to follow must not wait for the next movement

export class Others {
  #board;
  #people = new Map(); // by number
  #cursors = new Map();
  #views = new Map();
  #layer;
  #followed = 0;
  #isFollowing = false;
  #toldAt = 0;
  #told = "";
  #isAlone = true;

  constructor(board, signal) {
    this.#board = board;
    this.#layer = board.querySelector(".board__cursors");
    board.link.addEventListener("people", ({ detail }) => this.#show(detail));
    board.link.addEventListener("status", ({ detail }) => detail !== "live" && this.#forgetAll());
    board.inks.addEventListener("cursor", ({ detail }) => this.#moveCursor(detail));
    board.inks.addEventListener("view", ({ detail }) => this.#moveView(detail));
    board.view.addEventListener("change", () => this.#placeAll());
    board.addEventListener("click", (event) => this.#press(event.target.closest("button")), { signal });
    const timer = setInterval(() => this.#tell(), TELL);
    signal.addEventListener("abort", () => clearInterval(timer));
  }

  stopFollowing() {
    if (!this.#followed) return;
    this.#followed = 0;
    this.#showFollowing();
  }

  #show({ people, watching }) {
    const me = this.#board.sheet.me;
    this.#isAlone = people.length + watching < 2;
    this.#announce(people);
    this.#people = new Map(people.map((person) => [person.number, person]));
    this.#board.inks.keep(new Set(this.#people.keys()));
    for (const number of this.#cursors.keys()) if (!this.#people.has(number)) this.#forget(number);
    const others = people.filter(({ number }) => number !== me);
    const faces = this.#board.querySelector(".roster__faces");
    faces.replaceChildren(...others.slice(0, FACES).map((person) => avatar({ id: person.number, name: person.name }, "small")));
    this.#board.querySelector(".roster__count").textContent = String(people.length + watching);
    const list = this.#board.querySelector(".roster__list");
    list.replaceChildren(...people.map((person) => this.#line(person, person.number === me)));
    const note = this.#board.querySelector(".roster__watching");
    note.hidden = !watching;
    note.textContent = format(ngettext("and somebody who only looks", "and %(count)s who only look", watching), { count: watching });
    if (this.#followed && !this.#people.has(this.#followed)) this.stopFollowing();
  }

  /** Who came and who went, for those who do not see it. */
  #announce(people) {
    if (!this.#people.size) return; // the page has just been opened
    const now = new Set(people.map(({ number }) => number));
    const came = people.filter(({ number }) => !this.#people.has(number)).map(({ name }) => format(gettext("%(name)s came."), { name }));
    const went = [...this.#people.values()].filter(({ number }) => !now.has(number)).map(({ name }) => format(gettext("%(name)s left."), { name }));
    if (came.length + went.length) this.#board.announce([...came, ...went].join(" "));
  }

  #line({ number, name, role, is_guest: isGuest }, isMe) {
    const line = document.createElement("li");
    line.className = "roster__person";
    const words = document.createElement("span");
    words.className = "grow truncate";
    words.dir = "auto";
    words.textContent = name;
    const about = document.createElement("span");
    about.className = "muted";
    about.textContent = isMe ? gettext("you") : isGuest ? gettext("guest") : role === "viewer" ? gettext("looking") : "";
    line.append(avatar({ id: number, name }, "small"), words, about);
    if (!isMe) {
      const button = Object.assign(document.createElement("button"), { type: "button", className: "button button--small", textContent: gettext("Follow") });
      button.dataset.follow = number;
      button.setAttribute("aria-label", format(gettext("Follow %(name)s"), { name }));
      line.append(button);
    }
    return line;
  }

  #press(button) {
    if (button?.dataset.follow) {
      this.#followed = Number(button.dataset.follow);
      button.closest("[popover]")?.hidePopover();
      this.#showFollowing();
      this.#goTo(this.#views.get(this.#followed));
    } else if (button?.dataset.act === "unfollow") {
      this.stopFollowing();
    }
  }

  #showFollowing() {
    const banner = this.#board.querySelector(".following");
    banner.hidden = !this.#followed;
    const name = this.#people.get(this.#followed)?.name ?? "";
    banner.querySelector("span").textContent = this.#followed ? format(gettext("Following %(name)s"), { name }) : "";
    banner.dataset.hue = this.#followed % HUES;
    this.#board.announce(this.#followed ? format(gettext("Following %(name)s. Escape stops it."), { name }) : gettext("Not following any more."));
  }

  #moveView({ participant, box }) {
    this.#views.set(participant, box);
    if (participant === this.#followed) this.#goTo(box);
  }

  #goTo(box) {
    if (!box) return;
    this.#isFollowing = true;
    this.#board.view.show(box, { most: 16, margin: 0 });
    this.#isFollowing = false;
  }

  #moveCursor({ participant, x, y }) {
    const person = this.#people.get(participant);
    if (!person) return;
    let cursor = this.#cursors.get(participant);
    if (!cursor) {
      cursor = { element: this.#newCursor(person) };
      this.#cursors.set(participant, cursor);
    }
    clearTimeout(cursor.timer);
    cursor.timer = setTimeout(() => cursor.element.setAttribute("data-idle", ""), IDLE);
    cursor.element.removeAttribute("data-idle");
    Object.assign(cursor, { x, y });
    this.#place(cursor);
  }

  #newCursor({ number, name }) {
    const element = this.#board.querySelector("template[data-template='cursor']").content.firstElementChild.cloneNode(true);
    element.dataset.hue = number % HUES;
    element.querySelector(".cursor__name").textContent = name;
    this.#layer.append(element);
    return element;
  }

  #place({ element, x, y }) {
    const at = this.#board.view.toScreen(x, y);
    element.style.translate = `${at.x}px ${at.y}px`;
  }

  #placeAll() {
    for (const cursor of this.#cursors.values()) {
      cursor.element.toggleAttribute("data-still", true); // it does not glide: the board moves beneath it
      this.#place(cursor);
      requestAnimationFrame(() => cursor.element.toggleAttribute("data-still", false));
    }
    if (this.#followed && !this.#isFollowing && this.#board.hand?.isBusy) this.stopFollowing();
  }

  #forget(number) {
    const cursor = this.#cursors.get(number);
    clearTimeout(cursor?.timer);
    cursor?.element.remove();
    this.#cursors.delete(number);
    this.#views.delete(number);
  }

  #forgetAll() {
    for (const number of [...this.#cursors.keys()]) this.#forget(number);
  }

  /** What we see, for those who follow us. */
  #tell() {
    if (!this.#board.sheet.me || this.#isAlone) return;
    const [left, top, right, bottom] = this.#board.view.box.map(Math.round);
    const now = `${left} ${top} ${right} ${bottom}`;
    if (now === this.#told && performance.now() - this.#toldAt < AGAIN) return;
    if (!this.#board.link.sketch(tell.view(left, top, right - left, bottom - top))) return;
    this.#told = now;
    this.#toldAt = performance.now();
  }
}
