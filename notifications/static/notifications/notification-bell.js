/*
 * The bell on every page: the count, the latest in a popover, toasts, the badge of the tab, and the browser's own
 * notifications while no tab of ours is in sight. It shares the page's one socket with whatever else the page shows.
 */
import { FeedElement } from "../realtime/feed-element.js";
import { socket } from "../realtime/socket.js";
import { format, gettext } from "../realtime/words.js";
import { badge } from "../js/badge.js";
import { Lines, tellAges } from "./lines.js";
import { carryOut, readByLink, mark } from "./marks.js";

const LATEST = 8;
const SIGHT = "notifications.in-sight"; // a lock that every visible tab holds

class NotificationBell extends FeedElement {
  #lines = null;
  #missed = null; // frames that came while we fetch
  #outOfSight = null;

  connectedCallback() {
    this.follow({ onEvent: (frame) => this.#hear(frame), onReset: () => this.#refresh() });
    const { signal } = this;
    this.addEventListener("click", (event) => this.#click(event), { signal });
    this.#menu.addEventListener("toggle", (event) => event.newState === "open" && this.#open(), { signal });
    document.addEventListener("visibilitychange", () => this.#holdSight(), { signal });
    this.#holdSight();
    this.#count(Number(this.dataset.unread));
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.#outOfSight?.();
  }

  get #menu() {
    return this.querySelector(".bell__menu");
  }

  #hear(frame) {
    this.#lines?.apply(frame);
    this.#missed?.push(frame);
    this.#count(frame.unread);
    if (frame.id && !frame.is_unread) toastOf(frame.id)?.remove(); // read elsewhere, or withdrawn
    if (frame.type === "notifications.inbox.seen") delete this.dataset.unseen;
    if (frame.type !== "notifications.item.raised" || !frame.is_unread) return;
    if (this.#menu.matches(":popover-open")) this.#see();
    else this.dataset.unseen = "";
    if (document.hidden) this.#notify(frame);
    else if (frame.toast && !isOnScreen(frame.target)) this.#toast(frame);
  }

  #count(unread) {
    const count = this.querySelector(".bell__count");
    count.hidden = !unread;
    count.textContent = unread > 99 ? "99+" : String(unread);
    const words = unread ? format(gettext("Notifications, %(unread)s unread"), { unread }) : gettext("Notifications");
    this.querySelector(".bell__button").setAttribute("aria-label", words);
    this.querySelector('[value="all:read"]').disabled = !unread;
    if (!unread) delete this.dataset.unseen;
    badge("notifications", unread);
  }

  /** One for each line: that of one which is raised again takes the place of the one before. */
  #toast(frame) {
    const before = toastOf(frame.id);
    const toast = document.querySelector("toast-area")?.show(frame.text, "info");
    if (!toast) return;
    toast.dataset.notification = frame.id;
    before?.replaceWith(toast);
    const words = toast.querySelector("p");
    words.dir = "auto";
    if (isLink(frame.url)) {
      const link = Object.assign(document.createElement("a"), { href: frame.url, className: "toast__link", textContent: frame.text });
      link.addEventListener("click", () => mark(this.dataset.feed, [frame.id], "read"));
      words.replaceChildren(link);
    }
    if (frame.detail) words.append(Object.assign(document.createElement("span"), { className: "toast__detail", textContent: frame.detail }));
  }

  /** Of several hidden tabs each may try: the same tag is shown once. None does while a tab is in sight. */
  async #notify(frame) {
    if (!frame.browser || !("Notification" in window) || Notification.permission !== "granted") return;
    const { held = [] } = (await navigator.locks?.query()) ?? {};
    if (held.some((lock) => lock.name === SIGHT)) return;
    const notification = new Notification(frame.text, { body: frame.detail ?? "", tag: `notification-${frame.id}` });
    notification.addEventListener("click", () => {
      window.focus();
      mark(this.dataset.feed, [frame.id], "read");
      if (isLink(frame.url)) location.assign(frame.url);
      notification.close();
    });
  }

  #holdSight() {
    this.#outOfSight?.();
    this.#outOfSight = null;
    if (document.hidden) return;
    const isOver = new Promise((resolve) => (this.#outOfSight = resolve));
    navigator.locks?.request(SIGHT, { mode: "shared" }, () => isOver);
  }

  async #open() {
    this.#see();
    if (this.#lines) tellAges(this.#menu);
    else await this.#fetch();
  }

  #see() {
    if ("unseen" in this.dataset) socket.send({ type: "notifications.inbox.see", feed: this.dataset.feed });
    delete this.dataset.unseen;
  }

  /** What comes while we fetch is in the answer, or is put into it afterwards: both are the same line. */
  async #fetch() {
    const missed = (this.#missed = []);
    const response = await fetch(this.dataset.latest, { credentials: "same-origin" });
    const html = response.ok && !response.redirected && (await response.text());
    if (this.#missed !== missed) return; // one that began later
    this.#missed = null;
    if (html === false) return;
    const place = this.querySelector(".bell__latest");
    place.innerHTML = html;
    this.#lines = new Lines(place.querySelector("ol"), { belongs: (frame) => !frame.is_done, most: LATEST });
    for (const frame of missed) this.#lines.apply(frame);
  }

  async #refresh() {
    this.#lines = null;
    const response = await fetch(location.href, { credentials: "same-origin" });
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html").querySelector("notification-bell");
    if (fresh) this.#count(Number(fresh.dataset.unread));
    if (this.#menu.matches(":popover-open")) await this.#fetch();
    return fresh ? { rev: Number(fresh.dataset.rev) } : undefined;
  }

  #click(event) {
    const button = event.target.closest('button[name="mark"]');
    if (button && carryOut(button, this.dataset.feed)) event.preventDefault();
    readByLink(event, this.dataset.feed);
  }
}

const toastOf = (id) => document.querySelector(`toast-area [data-notification="${id}"]`);

/**
 * Whether the reader has before their eyes what it is about: some part of the page shows the same feed. One that follows a
 * feed by another attribute than data-feed leaves it to us to say what happened, as the reader's preferences and quiet hours
 * have it (`toast` of the frame), and pops up nothing itself.
 */
const isOnScreen = (target) => Boolean(target && document.querySelector(`main [data-feed="${CSS.escape(target)}"]`));

const isLink = (url) => Boolean(url) && ["http:", "https:"].includes(new URL(url, location.href).protocol);

customElements.define("notification-bell", NotificationBell);
