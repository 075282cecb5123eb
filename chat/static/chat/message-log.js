/*
 * The conversation: draws what the room tells, pages both ways, keeps the reader's place, and knows what was read.
 * Fires "log-read" {seq} when the end is on screen, "log-moved" when something moved.
 */
import { format, gettext, ngettext } from "../realtime/words.js";
import { MessageWindow, seqOf } from "./message-window.js";
import { fetchPage, me, toast } from "./page.js";
import { ScrollKeeper } from "./scroll-keeper.js";

const AHEAD = "600px"; // how far outside the window the next page begins to load

class MessageLog extends HTMLElement {
  #controller;
  #window;
  #keeper;
  #edges;
  #loading = null;
  #missed = new Map(); // frames that came for messages which were just being fetched
  #news = 0;

  connectedCallback() {
    this.#controller = new AbortController();
    const { signal } = this.#controller;
    this.#window = new MessageWindow(this.#list);
    this.#keeper = new ScrollKeeper(this.#scroller, this.querySelector(".log__inner"), () => this.#moved());
    this.#window.firstUnread = this.#firstUnread();
    this.#window.arrangeAll();
    this.#makeStop(this.#window.last);
    this.dataset.ready = "";
    this.#keeper.connect();
    this.#start();
    this.addEventListener("click", (event) => this.#clicked(event), { signal });
    this.addEventListener("keydown", (event) => this.#pressed(event), { signal });
    document.addEventListener("visibilitychange", () => this.#moved(), { signal });
    window.addEventListener("focus", () => this.#moved(), { signal });
    this.#edges = new IntersectionObserver((entries) => this.#atEdge(entries), { root: this.#scroller, rootMargin: AHEAD });
    for (const edge of this.querySelectorAll("[data-edge]")) this.#edges.observe(edge);
  }

  disconnectedCallback() {
    this.#controller.abort();
    this.#keeper.disconnect();
    this.#edges.disconnect();
  }

  /** A message was posted, edited or deleted. */
  receive(frame) {
    const isNew = frame.type === "chat.message.posted" && frame.seq > this.#lastSeq;
    if (isNew) this.#lastSeq = frame.seq;
    if (this.#loading) this.#missed.set(frame.id, frame);
    if (isNew && !this.#keeper.isAtEnd && this.#window.isFull) this.#window.hasAfter = true;
    const isMine = frame.author === me;
    if (isNew && !isMine && !this.#isReading) this.#divideAt(frame.seq);
    // What changed in a message is drawn anew, and would be read aloud like a new one.
    this.#list.setAttribute("aria-live", isNew && this.#keeper.isAtEnd ? "polite" : "off");
    const added = this.#window.put(frame);
    if (added && !this.#list.contains(document.activeElement)) this.#makeStop(this.#window.last);
    this.#requote(frame);
    if (isNew && !isMine && !this.#keeper.isAtEnd) this.#announce();
    if (added && this.#keeper.isAtEnd) this.#window.trimStart();
    this.#showEdges();
    if (this.#keeper.isAtEnd) this.#keeper.toEnd();
  }

  /** Somebody's own words are about to appear at the end: go there. */
  async followEnd() {
    if (this.#window.hasAfter) await this.#load({}, "instead");
    this.#keeper.toEnd();
  }

  /** The page is out of date: fetch it afresh. Resolves to the revision it was rendered at. */
  async refresh() {
    const reading = this.#keeper.isAtEnd || !this.#window.last ? {} : { at: this.#firstOnScreen() };
    const fetched = await this.#load(reading, "instead");
    return { rev: Number(fetched.dataset.rev) };
  }

  /** Scrolls to a message, fetching what is around it if need be, and points at it. */
  async goTo(seq) {
    if (!this.#window.at(seq)) await this.#load({ at: seq }, "instead");
    const message = this.#window.at(seq);
    if (!message) return;
    this.querySelector("[data-highlight]")?.removeAttribute("data-highlight");
    message.dataset.highlight = "";
    this.#keeper.toElement(message);
    this.focusMessage(message);
  }

  /** The reader's own last message that can still be edited. */
  lastOwn() {
    return this.#window.messages.findLast((message) => message.matches(".message--mine:not([data-deleted], [data-kind=system])"));
  }

  focusMessage(message) {
    this.#makeStop(message);
    message.focus({ preventScroll: true });
  }

  /** Another device has read up to `seq`, or we have. */
  readUpTo(seq) {
    this.#room.dataset.lastRead = String(seq);
    this.#moved();
  }

  get lastSeq() {
    return this.#lastSeq;
  }

  get #room() {
    return this.closest("chat-room");
  }

  get #list() {
    return this.querySelector("#messages");
  }

  get #scroller() {
    return this.querySelector(".log__scroll");
  }

  get #beginning() {
    return this.querySelector("[data-beginning]");
  }

  get #lastSeq() {
    return Number(this.#list.dataset.lastSeq);
  }

  set #lastSeq(seq) {
    this.#list.dataset.lastSeq = String(seq);
  }

  get #isReading() {
    return this.#keeper.isAtEnd && !this.#window.hasAfter && document.visibilityState === "visible";
  }

  /** The one message that the Tab key stops at; from there the arrows go on. */
  #makeStop(message) {
    this.querySelector('#messages > .message[tabindex="0"]')?.setAttribute("tabindex", "-1");
    message?.setAttribute("tabindex", "0");
  }

  #firstUnread() {
    const { lastRead } = this.#room.dataset;
    return lastRead !== undefined && Number(lastRead) < this.#lastSeq ? Number(lastRead) + 1 : null;
  }

  #start() {
    const linked = this.dataset.at && this.#window.at(Number(this.dataset.at));
    const divider = this.#list.querySelector(".log__new");
    this.#keeper.toEnd();
    if (linked) {
      linked.dataset.highlight = "";
      this.#keeper.toElement(linked);
    } else if (divider && divider.getBoundingClientRect().top < this.#scroller.getBoundingClientRect().top) {
      this.#keeper.toElement(divider, 0.1);
    }
    this.#showEdges();
  }

  #divideAt(seq) {
    const isThere = this.#window.firstUnread !== null && this.#window.firstUnread > Number(this.#room.dataset.lastRead ?? seq);
    if (isThere) return;
    const old = this.#window.firstUnread;
    this.#window.firstUnread = seq;
    if (old !== null) this.#window.arrangeAll();
  }

  #announce() {
    this.#news += 1;
    const words = format(ngettext("%(n)s new message", "%(n)s new messages", this.#news), { n: this.#news });
    this.querySelector("[data-announcer]").textContent = words;
    this.#showJumps(words);
  }

  #moved() {
    if (this.#keeper.isAtEnd && !this.#window.hasAfter) this.#news = 0;
    this.#showJumps(this.#news ? undefined : gettext("Latest"));
    if (this.#isReading && this.#lastSeq > Number(this.#room.dataset.lastRead ?? Infinity)) {
      this.dispatchEvent(new CustomEvent("log-read", { bubbles: true, detail: { seq: this.#lastSeq } }));
    }
    this.dispatchEvent(new CustomEvent("log-moved", { bubbles: true }));
  }

  #showJumps(words) {
    const latest = this.querySelector('[data-jump="latest"]');
    latest.hidden = this.#keeper.isAtEnd && !this.#window.hasAfter;
    latest.toggleAttribute("data-news", this.#news > 0);
    if (words && latest.lastElementChild.textContent !== words) latest.lastElementChild.textContent = words;
    const unread = this.querySelector('[data-jump="unread"]');
    const { firstUnread, first } = this.#window;
    const isAbove = firstUnread !== null && first !== null && this.#isAbove(firstUnread);
    unread.hidden = !isAbove || firstUnread <= Number(this.#room.dataset.lastRead ?? 0);
    if (!unread.hidden) {
      const count = this.#lastSeq - firstUnread + 1;
      unread.lastElementChild.textContent = format(gettext("%(n)s unread: go to the first"), { n: count });
    }
  }

  #isAbove(seq) {
    const message = this.#window.at(seq);
    if (!message) return seq < seqOf(this.#window.first);
    return message.getBoundingClientRect().bottom < this.#scroller.getBoundingClientRect().top;
  }

  #showEdges() {
    this.querySelector('[data-edge="before"]').hidden = !this.#window.hasBefore;
    this.querySelector('[data-edge="after"]').hidden = !this.#window.hasAfter;
    this.#beginning.hidden = this.#window.hasBefore;
  }

  #atEdge(entries) {
    const edge = entries.find((entry) => entry.isIntersecting)?.target.dataset.edge;
    if (edge) this.#page(edge);
  }

  async #page(edge) {
    if (this.#loading || !this.#window.first) return;
    const from = edge === "before" ? this.#window.first : this.#window.last;
    try {
      await this.#load({ [edge]: seqOf(from) }, edge);
    } catch {
      return; // the link is still there to be pressed
    }
    // The edge may still be near: observing again asks again.
    const target = this.querySelector(`[data-edge="${edge}"]`);
    this.#edges.unobserve(target);
    this.#edges.observe(target);
  }

  /** One fetch at a time. Nothing of it is read aloud: it is history, not news. */
  async #load(query, where) {
    while (this.#loading) await this.#loading.catch(() => {});
    const list = this.#list;
    const url = `/chat/${this.#room.dataset.room}/messages/?${new URLSearchParams(query)}`;
    list.setAttribute("aria-live", "off");
    list.setAttribute("aria-busy", "true");
    this.#loading = fetchPage(url, this.#controller.signal);
    try {
      const fetched = this.#window.take(await this.#loading, where);
      this.#lastSeq = Math.max(this.#lastSeq, Number(fetched.dataset.lastSeq));
      for (const frame of this.#missed.values()) this.#window.put(frame);
      if (!list.querySelector('.message[tabindex="0"]')) this.#makeStop(this.#window.last);
      this.#showEdges();
      return fetched;
    } finally {
      this.#loading = null;
      this.#missed.clear();
      list.removeAttribute("aria-busy");
      requestAnimationFrame(() => list.setAttribute("aria-live", "polite"));
    }
  }

  #firstOnScreen() {
    const top = this.#scroller.getBoundingClientRect().top;
    return seqOf(this.#window.messages.find((message) => message.getBoundingClientRect().bottom > top) ?? this.#window.last);
  }

  #requote(frame) {
    if (frame.type === "chat.message.posted") return;
    for (const quote of this.querySelectorAll(`.message__quote[data-message="${frame.id}"] .message__quote-text`)) {
      const isGone = frame.type === "chat.message.deleted";
      quote.textContent = isGone ? gettext("Message deleted") : frame.body.slice(0, 120) || gettext("Attachment");
    }
  }

  #clicked(event) {
    const jump = event.target.closest("[data-jump]")?.dataset.jump;
    const link = event.target.closest(".message__quote, .message__time");
    const isPlain = !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
    if (jump === "latest") this.followEnd().catch(() => toast(gettext("Could not load the latest messages."), "error"));
    else if (jump === "unread") this.goTo(this.#window.firstUnread).catch(() => toast(gettext("Could not load the messages."), "error"));
    else if (link && isPlain) this.#follow(event, link);
    else if (event.target.closest("[data-edge] a")) {
      event.preventDefault();
      this.#page(event.target.closest("[data-edge]").dataset.edge);
    }
  }

  #follow(event, link) {
    event.preventDefault();
    const seq = Number(link.pathname.match(/(\d+)\/$/)[1]);
    if (link.matches(".message__time")) history.replaceState(history.state, "", link.href);
    this.goTo(seq).catch(() => location.assign(link.href));
  }

  #pressed(event) {
    const message = event.target.closest?.(".message");
    if (!message || event.target !== message) return;
    const messages = this.#window.messages;
    const index = messages.indexOf(message);
    const target = { ArrowUp: messages[index - 1], ArrowDown: messages[index + 1], Home: messages[0], End: messages.at(-1) }[event.key];
    if (!target) return;
    event.preventDefault();
    this.focusMessage(target);
    target.scrollIntoView({ block: "nearest" });
  }
}

customElements.define("message-log", MessageLog);
