/*
 * The list of boards stays as it is on the server: a card comes whole from the person's own feed or from the gallery's, and the
 * head of each board tells when its small picture was drawn anew. What is new belongs on the first page.
 */
import { socket } from "../realtime/socket.js";
import { format, gettext, sayWords } from "../realtime/words.js";

const WATCHED = 200; // boards; the heads of more would not fit on one socket

class BoardList extends HTMLElement {
  #subscriptions = [];
  #unwatch = () => {};

  connectedCallback() {
    const { feed, rev, epoch, gallery, galleryRev, galleryEpoch } = this.dataset;
    this.#subscriptions = [
      this.#join(feed, rev, epoch, (frame) => this.#change(frame)),
      this.#join(gallery, galleryRev, galleryEpoch, (frame) => this.#changePublic(frame)),
    ];
    this.#arrange();
  }

  disconnectedCallback() {
    for (const subscription of this.#subscriptions) subscription.leave();
    this.#unwatch();
  }

  #join(feed, rev, epoch, onChange) {
    const onEvent = (frame) => frame.type === "drawing.list.changed" && onChange(frame);
    return socket.join(feed, { rev: Number(rev), epoch, onEvent, onReset: () => location.reload() });
  }

  #change(frame) {
    const old = this.#card(frame.board);
    if (frame.is_listed) this.#show(frame, old);
    else old?.remove();
    this.#arrange();
  }

  /** A board that is in the person's own list is shown there, and not a second time. */
  #changePublic(frame) {
    const old = this.#card(frame.board);
    if (old && old.dataset.group !== "public") return;
    if (frame.is_listed) this.#show(frame, old);
    else old?.remove();
    this.#arrange();
  }

  #show(frame, old) {
    const holder = document.createElement("template");
    holder.innerHTML = frame.html; // our own server rendered it
    const card = holder.content.querySelector(".board-card");
    say(card);
    if (old?.dataset.group === card.dataset.group) return old.replaceWith(card);
    old?.remove();
    if ("older" in this.dataset) return;
    this.querySelector(`[data-list="${card.dataset.group}"]`).prepend(card);
  }

  #arrange() {
    for (const list of this.querySelectorAll("[data-list]")) {
      list.closest("section").toggleAttribute("data-empty", !list.children.length);
    }
    this.#unwatch();
    const cards = [...this.querySelectorAll(".board-card")].slice(0, WATCHED);
    const feeds = cards.map((card) => `drawing.board.${card.dataset.board}`);
    this.#unwatch = feeds.length ? socket.watchHeads(feeds, (frame) => this.#head(frame)) : () => {};
  }

  #head({ feed, thumbnail }) {
    const card = this.#card(feed.split(".").at(-1));
    if (!card || !(thumbnail > Number(card.dataset.rev))) return;
    card.dataset.rev = thumbnail;
    const image = Object.assign(new Image(480, 300), { alt: "" });
    image.src = `${card.querySelector("a").getAttribute("href")}thumbnail.png?rev=${thumbnail}`;
    card.querySelector(".board-card__picture").replaceChildren(image);
  }

  #card(board) {
    return document.getElementById(`board-${board}`);
  }
}

/** A card comes in no language. Its sentences with names in them are made here, as the template makes them for the page. */
function say(card) {
  sayWords(card);
  const owner = card.querySelector("[data-owner]");
  if (owner) owner.textContent = format(gettext("by %(name)s"), { name: owner.dataset.owner });
  const name = card.querySelector(".board-card__title").textContent;
  card.querySelector(".board-card__more")?.setAttribute("aria-label", format(gettext("More about %(name)s"), { name }));
}

customElements.define("board-list", BoardList);
