/* What can be done with a message. One toolbar for all of them: it stands at the one under the pointer or the focus. */
import { copy } from "./copy-field.js";
import { excerptOf } from "./message-composer.js";

const KEYS = { r: "reply", e: "edit", l: "link", Delete: "delete", "+": "react", ":": "react" };
const OVERLAP = 14; // px above the message

class MessageToolbar extends HTMLElement {
  #controller;
  #message = null;

  connectedCallback() {
    this.#controller = new AbortController();
    const { signal } = this.#controller;
    const log = this.closest("message-log");
    log.addEventListener("pointerover", (event) => this.#pointed(event), { signal });
    log.addEventListener("pointerleave", () => this.#release(), { signal });
    log.addEventListener("focusin", (event) => this.#focused(event), { signal });
    log.addEventListener("click", (event) => this.#tapped(event), { signal });
    log.addEventListener("keydown", (event) => this.#pressed(event), { signal });
    this.addEventListener("click", (event) => this.#clicked(event), { signal });
    this.closest("chat-room").addEventListener("focusout", (event) => this.#blurred(event), { signal });
  }

  disconnectedCallback() {
    this.#controller.abort();
  }

  get #room() {
    return this.closest("chat-room");
  }

  get #buttons() {
    return [...this.querySelectorAll("button:not([hidden])")];
  }

  #pointed(event) {
    if (event.pointerType === "touch" || this.contains(document.activeElement)) return;
    const message = event.target.closest(".message[id]");
    if (message) this.#show(message);
  }

  #focused(event) {
    const message = event.target.closest(".message[id]");
    if (message) this.#show(message);
  }

  #tapped(event) {
    if (event.target.closest("a, button, message-toolbar")) return;
    const message = event.target.closest(".message[id]");
    if (message && event.pointerType === "touch") this.#show(message);
  }

  #blurred(event) {
    if (!event.relatedTarget?.closest?.("message-log") && !document.querySelector("emoji-picker:popover-open")) this.#release();
  }

  #release() {
    const isHeld = this.contains(document.activeElement) || this.#message?.contains(document.activeElement);
    if (!isHeld && !document.querySelector("emoji-picker:popover-open")) this.#hide();
  }

  #show(message) {
    if (!message.isConnected || message.matches("[data-deleted]")) return this.#hide();
    this.#message?.removeAttribute("data-active");
    this.#message = message;
    message.dataset.active = "";
    const isMine = message.matches(".message--mine");
    const isSystem = message.dataset.kind === "system";
    const isMember = Boolean(this.#room.composer);
    const offers = {
      react: isMember,
      reply: isMember && !isSystem,
      edit: isMember && isMine && !isSystem,
      link: true,
      delete: isMember && !isSystem && (isMine || this.#room.mayModerate),
    };
    for (const button of this.querySelectorAll("button")) button.hidden = !offers[button.dataset.act];
    this.hidden = false;
    const scroller = this.closest(".log__scroll");
    this.style.insetBlockStart = `${Math.max(message.offsetTop - OVERLAP, scroller.scrollTop + 4)}px`;
  }

  #hide() {
    this.#message?.removeAttribute("data-active");
    this.#message = null;
    this.hidden = true;
  }

  #clicked(event) {
    const button = event.target.closest("button");
    if (button) this.#act(button.dataset.act, button);
  }

  #pressed(event) {
    if (event.target.closest("message-toolbar")) return this.#pressedHere(event);
    if (!event.target.matches(".message") || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (event.key === "Enter") {
      event.preventDefault();
      this.#buttons[0]?.focus();
    } else if (event.key === "Escape") this.#room.composer?.focus();
    else if (act && this.#buttons.some((button) => button.dataset.act === act)) {
      event.preventDefault();
      this.#act(act, this.querySelector('[data-act="react"]:not([value])'));
    }
  }

  #pressedHere(event) {
    const buttons = this.#buttons;
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) buttons.at((buttons.indexOf(event.target) + step) % buttons.length).focus();
    else if (event.key === "Escape") this.#room.log.focusMessage(this.#current);
    else return;
    event.preventDefault();
  }

  /** The message as it is now: it may have been drawn anew since it was pointed at. */
  get #current() {
    return document.getElementById(this.#message?.id);
  }

  async #act(act, button) {
    const message = this.#current;
    if (!message) return this.#hide();
    const room = this.#room;
    if (act === "react") {
      const emoji = button.value || (await document.querySelector("emoji-picker").choose(button));
      if (emoji) room.react(message, emoji);
    } else if (act === "reply") room.composer.reply(message);
    else if (act === "edit") room.composer.edit(message);
    else if (act === "link") copy(message.querySelector(".message__time").href);
    else if (act === "delete") this.#confirmDelete(message);
    if (act !== "react") this.#hide();
  }

  #confirmDelete(message) {
    const room = this.#room;
    const dialog = room.querySelector("#delete-dialog");
    dialog.querySelector(".delete-excerpt").textContent = excerptOf(message);
    dialog.returnValue = "";
    dialog.addEventListener("close", () => dialog.returnValue === "delete" && room.delete(message), { once: true });
    dialog.showModal();
  }
}

customElements.define("message-toolbar", MessageToolbar);
