/*
 * The list of rooms: which have news, and how many. A room's line comes whole from the person's own feed; the heads of
 * the rooms tell of new messages in between.
 */
import { badge as tabBadge } from "../js/badge.js";
import { FeedElement } from "../realtime/feed-element.js";
import { socket } from "../realtime/socket.js";
import { elements } from "./page.js";

class RoomList extends FeedElement {
  #unwatch = () => {};

  connectedCallback() {
    this.follow({
      onEvent: (frame) => frame.type === "chat.list.changed" && this.#change(frame),
      onReset: () => location.reload(),
    });
    const { signal } = this;
    this.querySelector("input").addEventListener("input", () => this.#filter(), { signal });
    document.addEventListener("htmx:after:swap", () => this.#follow(), { signal });
    document.addEventListener("visibilitychange", () => this.#count(), { signal });
    this.#watch();
    this.#follow();
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.#unwatch();
  }

  get #links() {
    return [...this.querySelectorAll(".room-link")];
  }

  get #current() {
    return document.querySelector("chat-room")?.dataset.room;
  }

  #change(frame) {
    const old = document.getElementById(`room-${frame.room}`);
    if (!frame.is_member) {
      old?.remove();
    } else {
      const [link] = elements(frame.html);
      if (old) link.dataset.lastSeq = Math.max(link.dataset.lastSeq, old.dataset.lastSeq);
      if (old) old.replaceWith(link);
      else this.querySelector(`[data-list="${link.dataset.kind === "direct" ? "people" : "rooms"}"]`).prepend(link);
    }
    if (Boolean(old) !== frame.is_member) this.#watch();
    if (String(frame.room) === this.#current) document.querySelector("message-log")?.readUpTo(frame.last_read_seq);
    this.#follow();
  }

  #watch() {
    this.#unwatch();
    const feeds = this.#links.map((link) => `chat.room.${link.dataset.room}`);
    this.#unwatch = feeds.length ? socket.watchHeads(feeds, (frame) => this.#head(frame)) : () => {};
  }

  #head({ feed, seq }) {
    const link = document.getElementById(`room-${feed.split(".").at(-1)}`);
    if (!link || !(seq > Number(link.dataset.lastSeq))) return;
    link.dataset.lastSeq = seq;
    this.#count();
  }

  /** Another page may be in the pane now. */
  #follow() {
    const pane = document.getElementById("conversation");
    this.closest(".panes").dataset.show = pane?.dataset.show ?? "main";
    for (const link of this.#links) {
      if (link.dataset.room === this.#current) link.firstElementChild.setAttribute("aria-current", "page");
      else link.firstElementChild.removeAttribute("aria-current");
    }
    this.#count();
  }

  #count() {
    let total = 0;
    for (const link of this.#links) {
      const { lastSeq, lastRead, mentions, room } = link.dataset;
      const isOpen = room === this.#current && document.visibilityState === "visible";
      const unread = isOpen ? 0 : Math.max(0, Number(lastSeq) - Number(lastRead));
      total += unread;
      link.firstElementChild.toggleAttribute("data-unread", unread > 0);
      badge(link.querySelector(".room-link__unread"), unread);
      badge(link.querySelector(".room-link__mentions"), isOpen ? 0 : Number(mentions));
    }
    tabBadge("chat", total);
  }

  #filter() {
    const wanted = this.querySelector("input").value.trim().toLowerCase();
    let found = 0;
    for (const link of this.#links) {
      link.hidden = !link.querySelector(".room-link__name").textContent.toLowerCase().includes(wanted);
      found += link.hidden ? 0 : 1;
    }
    this.querySelector(".sidebar__nothing").hidden = found > 0 || !wanted;
  }
}

function badge(element, count) {
  element.hidden = count === 0;
  element.querySelector("b").textContent = atMost99(count);
}

const atMost99 = (count) => (count > 99 ? "99+" : String(count));

customElements.define("room-list", RoomList);
