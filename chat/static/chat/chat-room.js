/*
 * A room on screen: follows its feed and hands each frame to the part that shows it. All its facts are in data-*, as
 * the server rendered them at revision data-rev.
 */
import { socket } from "../realtime/socket.js";
import { fetchPage, me, toast } from "./page.js";

const READ_EVERY = 1000; // ms between two read marks

class ChatRoom extends HTMLElement {
  #controller;
  #subscription;
  #people = new Map();
  #unread = { seq: 0, timer: null };

  connectedCallback() {
    this.#controller = new AbortController();
    const { signal } = this.#controller;
    const { feed, rev, epoch } = this.dataset;
    this.#subscription = socket.join(feed, {
      rev: Number(rev),
      epoch,
      onEvent: (frame) => this.#receive(frame),
      onReset: () => this.#refresh(),
      onRefused: () => this.#leave(),
      onPresence: (frame) => this.#meet(frame),
    });
    socket.addEventListener("failed", (event) => this.#failed(event.detail), { signal });
    this.addEventListener("log-read", (event) => this.#read(event.detail.seq), { signal });
    this.addEventListener("click", (event) => this.#clicked(event), { signal });
    this.addEventListener("keydown", (event) => event.key === "Escape" && this.#isOverlaid && this.#showDetails(false), { signal });
    this.addEventListener("htmx:after:swap", () => this.#showPeople(), { signal });
    if (localStorage.getItem("chat.details") === "open" && !this.#isNarrow) this.#showDetails(true, { remember: false });
  }

  disconnectedCallback() {
    this.#controller.abort();
    this.#subscription.leave();
    clearTimeout(this.#unread.timer);
  }

  get log() {
    return this.querySelector("message-log");
  }

  get composer() {
    return this.querySelector("message-composer");
  }

  get mayModerate() {
    return "mayModerate" in this.dataset;
  }

  get #isNarrow() {
    return matchMedia("(width < 80rem)").matches;
  }

  get #isOverlaid() {
    return this.#isNarrow && "details" in this.dataset;
  }

  #receive(frame) {
    if (frame.type.startsWith("chat.message.")) {
      this.log.receive(frame);
      this.querySelector("pending-messages").settle(frame.client_id);
      this.querySelector("typing-names")?.stopped(frame.author);
      this.composer?.remember(frame);
    } else if (frame.type === "chat.typing.started") this.querySelector("typing-names")?.started(frame);
    else if (frame.type === "chat.member.changed") this.#memberChanged(frame);
    else if (frame.type === "chat.room.changed") this.#roomChanged(frame);
  }

  async #refresh() {
    await this.#refreshDetails();
    return this.log.refresh();
  }

  #memberChanged(frame) {
    if (frame.user === me && (frame.role === "") === Boolean(this.composer)) return this.#reload();
    if (frame.user === me) {
      this.toggleAttribute("data-may-moderate", frame.role === "owner" || frame.role === "moderator");
      this.composer?.mute(frame.is_muted);
    }
    this.#refreshDetails();
  }

  #roomChanged(frame) {
    if (frame.is_archived === Boolean(this.composer)) return this.#reload();
    if (frame.name) for (const name of this.querySelectorAll("[data-room-name]")) name.textContent = frame.name;
    for (const topic of this.querySelectorAll("[data-room-topic]")) topic.textContent = frame.topic;
    this.composer?.slowDown(frame.slow_mode_seconds);
  }

  /** What the page offers has changed altogether. The server knows best what is left. */
  #reload() {
    location.assign(`/chat/${this.dataset.room}/`);
  }

  #leave() {
    toast("You are no longer in this room.", "warning");
    location.assign("/chat/");
  }

  async #refreshDetails() {
    this.querySelector("#members").dispatchEvent(new Event("members-changed"));
  }

  #meet(frame) {
    if (frame.type === "realtime.presence.snapshot") this.#people = new Map(frame.people.map((person) => [person.id, person]));
    for (const person of frame.joined ?? []) this.#people.set(person.id ?? person, person);
    for (const person of frame.left ?? []) this.#people.delete(person.id ?? person);
    this.#showPeople(frame.count);
  }

  #showPeople() {
    const people = [...this.#people.values()];
    this.querySelector("people-here").show(people.filter((person) => person.id !== me));
    this.querySelector("member-list").show(new Set(people.map((person) => person.id)));
    const { memberCount } = this.querySelector("member-list").dataset;
    if (memberCount) for (const count of this.querySelectorAll("[data-count-of-members]")) count.textContent = memberCount;
  }

  /** At most once a second, and always the last one: a read mark that is late does no harm, one that is lost does. */
  #read(seq) {
    this.#unread.seq = Math.max(this.#unread.seq, seq);
    if (this.#unread.timer) return;
    const send = () => {
      this.#unread.timer = null;
      const { seq } = this.#unread;
      if (seq <= Number(this.dataset.lastRead)) return;
      if (!socket.send({ type: "chat.room.read", feed: this.dataset.feed, seq })) return this.#read(seq);
      this.log.readUpTo(seq);
    };
    if (socket.status === "live" && !this.#unread.isFresh) {
      this.#unread.isFresh = true;
      setTimeout(() => (this.#unread.isFresh = false), READ_EVERY);
      send();
    } else {
      this.#unread.timer = setTimeout(send, READ_EVERY);
    }
  }

  #failed({ command, error }) {
    if (command.feed !== this.dataset.feed || command.type === "chat.message.post") return; // posts say it in their place
    toast(error.message, "error");
    socket.discard(command.client_id);
  }

  #clicked(event) {
    const reaction = event.target.closest(".reaction");
    const details = event.target.closest("[data-details]:not(chat-room)");
    if (reaction) {
      event.preventDefault();
      if (this.composer) this.react(reaction.closest(".message"), reaction.value);
    } else if (details) {
      event.preventDefault();
      this.#showDetails(details.dataset.details === "toggle" && !("details" in this.dataset));
    }
  }

  /** Puts the emoji on the message, or takes one's own back. */
  react(message, emoji) {
    const mine = message.querySelector(`.reaction[value="${CSS.escape(emoji)}"][aria-pressed="true"]`);
    socket.post({ type: "chat.reaction.set", feed: this.dataset.feed, id: idOf(message), emoji, on: !mine });
  }

  delete(message) {
    socket.post({ type: "chat.message.delete", feed: this.dataset.feed, id: idOf(message) });
  }

  /** The words of a message as they were typed. */
  async source(message) {
    const page = await fetchPage(`/chat/${this.dataset.room}/messages/${message.dataset.seq}/edit/`);
    return page.querySelector("textarea").value;
  }

  #showDetails(isOpen, { remember = true } = {}) {
    const toggle = this.querySelector('[data-details="toggle"]');
    this.toggleAttribute("data-details", isOpen);
    toggle.setAttribute("aria-expanded", String(isOpen));
    if (remember && !this.#isNarrow) localStorage.setItem("chat.details", isOpen ? "open" : "closed");
    if (remember && isOpen) this.querySelector("#details [data-details]").focus();
    if (remember && !isOpen) toggle.focus();
  }
}

export const idOf = (message) => Number(message.id.replace("message-", ""));

customElements.define("chat-room", ChatRoom);
