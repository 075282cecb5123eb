/*
 * A room on screen: follows its feed and hands each frame to the part that shows it. All its facts are in data-*, as
 * the server rendered them at revision data-rev.
 */
import { FeedElement } from "../realtime/feed-element.js";
import { socket } from "../realtime/socket.js";
import { format, gettext } from "../realtime/words.js";
import { fetchPage, me, template, toast } from "./page.js";

const READ_EVERY = 1000; // ms between two read marks
const SPREAD = 20; // ms for each member: as many tabs ask for the list of members, and not in the same moment
const SPREAD_AT_MOST = 10000; // ms

class ChatRoom extends FeedElement {
  #people = new Map();
  #read = { seq: 0, at: 0, timer: null };
  #refreshing = null;

  connectedCallback() {
    this.follow({
      onEvent: (frame) => this.#receive(frame),
      onReset: () => this.#refresh(),
      onRefused: (frame) => (frame.code === "not_logged_in" ? location.reload() : this.#leave()),
      onPresence: (frame) => this.#meet(frame),
    });
    const { signal } = this;
    socket.addEventListener("delayed", (event) => this.#delayed(event.detail), { signal });
    socket.addEventListener("failed", (event) => this.#failed(event.detail), { signal });
    this.addEventListener("log-read", (event) => this.#markRead(event.detail.seq), { signal });
    window.addEventListener("pagehide", () => this.#sendReadNow(), { signal });
    this.addEventListener("click", (event) => this.#clicked(event), { signal });
    this.addEventListener("keydown", (event) => event.key === "Escape" && this.#isOverlaid && this.#showDetails(false), { signal });
    this.addEventListener("htmx:after:swap", () => this.#showPeople(), { signal });
    if (localStorage.getItem("chat.details") === "open" && !this.#isNarrow) this.#showDetails(true, { remember: false });
  }

  disconnectedCallback() {
    this.#sendReadNow();
    super.disconnectedCallback();
    clearTimeout(this.#refreshing);
    this.#refreshing = null;
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

  #refresh() {
    this.#refreshDetails();
    return this.log.refresh();
  }

  #memberChanged(frame) {
    if (frame.user === me && !frame.role) return this.#leave();
    if (frame.user === me && !this.querySelector("message-composer, [data-archived]:not([hidden])")) return this.#reload();
    if (frame.user === me) {
      this.toggleAttribute("data-may-moderate", frame.role === "owner" || frame.role === "moderator");
      this.composer?.mute(frame.muted_until ?? "");
    }
    this.#refreshDetails();
  }

  #roomChanged(frame) {
    if (frame.is_archived === this.querySelector("[data-archived]").hidden) return this.#reload();
    if (frame.name) for (const name of this.querySelectorAll("[data-room-name]")) name.textContent = frame.name;
    for (const topic of this.querySelectorAll("[data-room-topic]")) topic.textContent = frame.topic;
    this.composer?.slowDown(frame.slow_mode_seconds);
  }

  /** What the page offers has changed altogether. The server knows best what is left. */
  #reload() {
    location.assign(`/chat/${this.dataset.room}/`);
  }

  /** Nothing of the room stays on screen for somebody who is no longer in it. */
  #leave() {
    this.unfollow();
    this.replaceChildren(template("gone"));
    delete this.dataset.room;
  }

  /** Once for all that changes until then. */
  #refreshDetails() {
    const members = this.querySelector("#members");
    this.#refreshing ??= setTimeout(() => {
      this.#refreshing = null;
      members.dispatchEvent(new Event("members-changed"));
    }, Math.random() * Math.min(SPREAD * Number(members.dataset.memberCount), SPREAD_AT_MOST));
  }

  #meet(frame) {
    if (frame.type === "realtime.presence.snapshot") this.#people = new Map(frame.people.map((person) => [person.id, person]));
    for (const person of frame.joined ?? []) this.#people.set(person.id, person);
    for (const person of frame.left ?? []) this.#people.delete(person.id);
    this.#showPeople();
  }

  #showPeople() {
    const people = [...this.#people.values()];
    this.querySelector("people-here").show(people.filter((person) => person.id !== me));
    this.querySelector("member-list").show(new Set(people.map((person) => person.id)));
    const { memberCount } = this.querySelector("member-list").dataset;
    if (memberCount) for (const count of this.querySelectorAll("[data-count-of-members]")) count.textContent = memberCount;
  }

  /** At most once a second, and always the last one: a read mark that is late does no harm, one that is lost does. */
  #markRead(seq) {
    const read = this.#read;
    read.seq = Math.max(read.seq, seq);
    read.timer ??= setTimeout(() => this.#sendRead(), Math.max(0, read.at + READ_EVERY - Date.now()));
  }

  /** Who leaves has seen what they saw, their own words too, though the moment to say so has not come. */
  #sendReadNow() {
    if (!this.#read.timer) return;
    clearTimeout(this.#read.timer);
    this.#read.timer = null;
    socket.send({ type: "chat.room.read", feed: this.dataset.feed, seq: this.#read.seq });
  }

  #sendRead() {
    const read = this.#read;
    [read.timer, read.at] = [null, Date.now()];
    if (read.seq <= Number(this.dataset.lastRead)) return;
    const isSent = socket.send({ type: "chat.room.read", feed: this.dataset.feed, seq: read.seq });
    if (isSent) this.log.readUpTo(read.seq);
    else this.#markRead(read.seq);
  }

  #delayed({ command, retry_in }) {
    if (!this.#speaksFor(command)) return;
    toast(format(gettext("Not done yet: it is tried again in %(seconds)s s."), { seconds: Math.ceil(retry_in) }));
  }

  #failed({ command, error }) {
    if (!this.#speaksFor(command)) return;
    toast(error.message, "error");
    socket.discard(command.client_id);
    if (command.type === "chat.message.edit") this.composer?.takeBack(command);
  }

  /** Posts say in their own place how they fare. */
  #speaksFor(command) {
    return command.feed === this.dataset.feed && command.type !== "chat.message.post";
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
