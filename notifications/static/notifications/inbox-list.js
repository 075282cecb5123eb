/* The page of the inbox: live, by button, and by key. The keys are told at the foot of the page. */
import { FeedElement } from "../realtime/feed-element.js";
import { socket } from "../realtime/socket.js";
import { Lines, tellAges } from "./lines.js";
import { carryOut, mark, markAll, readByLink } from "./marks.js";

const FOLDERS = {
  all: (frame) => !frame.is_done,
  unread: (frame) => frame.is_unread && !frame.is_done,
  saved: (frame) => frame.is_saved,
  done: (frame) => frame.is_done,
};
const MINUTE = 60_000;

class InboxList extends FeedElement {
  #lines;
  #timer;

  connectedCallback() {
    const { feed, folder, kind } = this.dataset;
    const belongs = (frame) => FOLDERS[folder](frame) && (!kind || frame.kind === kind) && this.#isHere(frame);
    this.#lines = new Lines(this.querySelector("ol"), { belongs });
    this.follow({ onEvent: (frame) => this.#hear(frame), onReset: () => location.reload() });
    const { signal } = this;
    const page = this.closest(".inbox");
    page.addEventListener("click", (event) => this.#click(event), { signal });
    document.addEventListener("keydown", (event) => this.#press(event), { signal });
    this.#timer = setInterval(() => tellAges(this), MINUTE);
    if (!document.hidden) socket.send({ type: "notifications.inbox.see", feed });
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    clearInterval(this.#timer);
  }

  get #current() {
    return this.querySelector('.notification[aria-current="true"]');
  }

  /** News belongs on the first page; on a later one only what stands there already. */
  #isHere(frame) {
    return "isFirst" in this.dataset || frame.id === undefined || Boolean(this.#lines.find(frame.id));
  }

  #hear(frame) {
    const next = this.#current?.nextElementSibling ?? this.#current?.previousElementSibling;
    const line = this.#lines.apply(frame);
    if (line) line.dataset.arrived = "";
    if (next?.isConnected && !this.#current) this.#go(next);
  }

  #click(event) {
    const button = event.target.closest('button[name="mark"]');
    const ticks = [...this.querySelectorAll(".notification__tick:checked")];
    if (button && carryOut(button, this.dataset.feed, ticks.map((tick) => tick.value))) {
      event.preventDefault();
      if (!button.value.includes(":")) for (const tick of ticks) tick.checked = false;
    }
    readByLink(event, this.dataset.feed);
  }

  #press(event) {
    const isTyping = event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable], dialog");
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const line = this.#current;
    const done = this.#carryOut(event.key, line);
    if (done) event.preventDefault();
  }

  #carryOut(key, line) {
    const { feed } = this.dataset;
    if (key === "j") return this.#go(line ? line.nextElementSibling : this.#lines.all[0]);
    if (key === "k") return this.#go(line ? line.previousElementSibling : this.#lines.all.at(-1));
    if (key === "R") return markAll(feed, "read") ?? true;
    if (!line) return false;
    const is = (fact) => fact in line.dataset;
    if (key === "r") mark(feed, [line.dataset.id], is("unread") ? "read" : "unread");
    else if (key === "e") mark(feed, [line.dataset.id], is("done") ? "undone" : "done");
    else if (key === "s") mark(feed, [line.dataset.id], is("saved") ? "unsaved" : "saved");
    else if (key === "x") line.querySelector(".notification__tick").click();
    else if (key === "Enter" && document.activeElement === line) line.querySelector(".notification__link")?.click();
    else return false;
    return true;
  }

  #go(line) {
    if (!line) return true;
    this.#current?.removeAttribute("tabindex");
    this.#current?.removeAttribute("aria-current");
    line.setAttribute("aria-current", "true");
    line.tabIndex = 0;
    line.focus();
    return true;
  }
}

customElements.define("inbox-list", InboxList);
