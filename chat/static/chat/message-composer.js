/* Where messages are written: a new one, an answer, or an own one anew. */
import "./attachment-tray.js";
import { socket } from "../realtime/socket.js";
import { format, gettext, language, ngettext } from "../realtime/words.js";
import { idOf } from "./chat-room.js";
import { Drafts } from "./drafts.js";
import { toast } from "./page.js";

const TYPING_EVERY = 3000; // ms
const LONGEST_TIMER = 2 ** 31 - 1; // ms; a browser takes a longer one for none
const EXCERPT = 120; // characters
const LONGEST = 4000; // characters; the server counts the same

class MessageComposer extends HTMLElement {
  #controller;
  #drafts;
  #about = null; // {mode: "reply" | "edit", id, seq, name, text}
  #typedAt = 0;
  #muted; // the timer of its end
  #sources = new Map(); // what messages said when the feed told of them, to edit them without asking

  connectedCallback() {
    customElements.upgrade(this); // in a page that is swapped in, we come before our own parts
    this.#controller = new AbortController();
    const { signal } = this.#controller;
    this.#drafts = new Drafts(this.dataset.feed);
    this.#field.removeAttribute("maxlength"); // it would cut off what is pasted; we say what is too long instead
    this.#form.noValidate = true;
    this.#form.addEventListener("submit", (event) => this.#submitted(event), { signal });
    this.#field.addEventListener("input", () => this.#typed(), { signal });
    this.#field.addEventListener("keydown", (event) => this.#pressed(event), { signal });
    this.#field.addEventListener("paste", (event) => this.#take(event, event.clipboardData.files), { signal });
    this.addEventListener("click", (event) => this.#clicked(event), { signal });
    this.addEventListener("files-changed", () => this.#look(), { signal });
    this.#picker.addEventListener("change", () => this.#picked(), { signal });
    const room = this.closest(".room__talk");
    room.addEventListener("dragover", (event) => this.#dragged(event), { signal });
    room.addEventListener("dragleave", () => delete this.#form.dataset.dropping, { signal });
    room.addEventListener("drop", (event) => this.#dropped(event), { signal });
    this.#restore();
    this.mute(this.dataset.muted ?? "");
  }

  disconnectedCallback() {
    this.#controller.abort();
    clearTimeout(this.#muted);
  }

  focus() {
    this.#field.focus();
  }

  reply(message) {
    if (this.#isEditing) this.#finish();
    const name = message.querySelector(".message__author").textContent;
    this.#setAbout({ mode: "reply", id: idOf(message), name, text: excerptOf(message) });
    this.focus();
  }

  async edit(message) {
    try {
      const body = this.#sources.get(idOf(message)) ?? (await this.closest("chat-room").source(message));
      this.#startEdit({ mode: "edit", id: idOf(message), text: excerptOf(message) }, body);
      this.focus();
    } catch {
      toast(gettext("The message could not be fetched for editing."), "error");
    }
  }

  /** An edit was refused: its words come back, unless another one is being written. */
  takeBack({ id, body }) {
    if (!this.#isEditing) this.#startEdit({ mode: "edit", id, text: body.slice(0, EXCERPT) }, body);
  }

  /** Keeps the words of a message that came by the feed. */
  remember({ id, body = "" }) {
    this.#sources.set(id, body);
  }

  /** Until then (an ISO time, or "") one may only read. It ends by itself. */
  mute(until) {
    clearTimeout(this.#muted);
    const left = until ? new Date(until) - Date.now() : 0;
    const time = this.querySelector("[data-muted-note] time");
    this.toggleAttribute("data-muted", left > 0);
    this.querySelector("[data-muted-note]").hidden = left <= 0;
    time.dateTime = until;
    time.textContent = until && new Date(until).toLocaleString(language, { dateStyle: "medium", timeStyle: "short" });
    if (left > 0) this.#muted = setTimeout(() => this.mute(until), Math.min(left, LONGEST_TIMER));
  }

  slowDown(seconds) {
    this.querySelector("[data-slow]").hidden = !seconds;
    this.querySelector("[data-slow-seconds]").textContent = seconds;
  }

  get #form() {
    return this.querySelector("form");
  }

  get #field() {
    return this.querySelector("textarea");
  }

  get #picker() {
    return this.querySelector('input[type="file"]');
  }

  get #tray() {
    return this.querySelector("attachment-tray");
  }

  get #isEditing() {
    return this.#about?.mode === "edit";
  }

  #submitted(event) {
    event.preventDefault();
    const body = this.#field.value.trim();
    const attachments = this.#tray.ids;
    if ([...body].length > LONGEST || this.#tray.isBusy) return;
    const { feed } = this.dataset;
    if (this.#isEditing) {
      if (!body) return;
      socket.post({ type: "chat.message.edit", feed, id: this.#about.id, body });
    } else {
      if (!body && !attachments.length) return;
      const more = this.#about ? { reply_to: this.#about.id } : {};
      socket.post({ type: "chat.message.post", feed, body, attachments, ...more });
      this.#tray.clear();
    }
    this.#finish();
    this.#typedAt = 0;
  }

  #pressed(event) {
    if (event.isComposing) return; // Enter chooses a word in many languages
    const isEmpty = !this.#field.value && !this.#about;
    if (event.key === "Enter" && !event.shiftKey && !isTouch()) {
      event.preventDefault();
      this.#form.requestSubmit();
    } else if (event.key === "Escape" && this.#about) this.#cancel();
    else if (event.key === "ArrowUp" && isEmpty) {
      const message = this.closest("chat-room").log.lastOwn();
      if (message) event.preventDefault();
      if (message) this.edit(message);
    }
  }

  #typed() {
    this.#look();
    this.#save();
    if (this.#isEditing) return;
    const now = Date.now();
    if (!this.#field.value.trim() || now - this.#typedAt < TYPING_EVERY) return;
    if (socket.send({ type: "chat.typing.start", feed: this.dataset.feed })) this.#typedAt = now;
  }

  async #clicked(event) {
    const act = event.target.closest("[data-act]");
    if (act?.dataset.act === "attach") this.#picker.click();
    if (act?.dataset.act === "cancel") this.#cancel();
    if (act?.dataset.act !== "emoji") return;
    const emoji = await document.querySelector("emoji-picker").choose(act);
    this.focus();
    if (!emoji) return;
    this.#field.setRangeText(emoji, this.#field.selectionStart, this.#field.selectionEnd, "end");
    this.#typed();
  }

  #cancel() {
    if (this.#isEditing) this.#finish();
    else this.#setAbout(null);
    this.focus();
  }

  /** Back to a new message: what was half written before an edit returns. */
  #finish() {
    const { body, about } = this.#isEditing ? this.#drafts : { body: "", about: null };
    if (this.#isEditing) this.#drafts.saveEdit(null);
    this.#field.value = body;
    this.#setAbout(about);
    this.#look();
    this.focus();
  }

  #startEdit(about, body) {
    this.#field.value = body;
    this.#setAbout(about);
    this.#look();
  }

  #setAbout(about) {
    this.#about = about;
    const context = this.querySelector(".composer__context");
    context.hidden = !about;
    if (about) {
      const mode = about.mode === "edit" ? gettext("Editing") : format(gettext("Replying to %(name)s"), about);
      context.querySelector(".composer__mode").textContent = mode;
      context.querySelector(".composer__about").textContent = about.text;
    }
    this.#field.setAttribute("aria-description", about ? context.querySelector(".composer__mode").textContent : "");
    this.#save();
  }

  #save() {
    const body = this.#field.value;
    if (this.#isEditing) this.#drafts.saveEdit({ about: this.#about, body });
    else this.#drafts.save(body, this.#about);
  }

  #restore() {
    const { body, about, edit } = this.#drafts;
    if (edit) this.#startEdit(edit.about, edit.body);
    else {
      this.#field.value ||= body;
      this.#setAbout(about);
    }
    this.#look();
    const isFree = document.activeElement === document.body || document.activeElement.closest("room-list");
    if (!isTouch() && !location.hash && isFree) this.focus();
  }

  /** What the words and files in it mean for the rest of the composer. */
  #look() {
    const length = [...this.#field.value.trim()].length;
    const surplus = length - LONGEST;
    const isReady = surplus <= 0 && !this.#tray.isBusy && (length > 0 || this.#tray.ids.length > 0);
    this.#form.toggleAttribute("data-ready", isReady);
    const tooLong = format(ngettext("%(n)s character too long", "%(n)s characters too long", surplus), { n: surplus });
    this.querySelector("[data-too-long]").textContent = surplus > 0 ? tooLong : "";
    if (!CSS.supports("field-sizing", "content")) {
      this.#field.style.blockSize = "auto";
      this.#field.style.blockSize = `${this.#field.scrollHeight}px`;
    }
  }

  #picked() {
    this.#tray.add(this.#picker.files, this.dataset.upload);
    this.#picker.value = "";
  }

  #take(event, files) {
    if (!files.length) return;
    event.preventDefault();
    this.#tray.add(files, this.dataset.upload);
  }

  #dragged(event) {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    this.#form.dataset.dropping = "";
  }

  #dropped(event) {
    delete this.#form.dataset.dropping;
    this.#take(event, event.dataTransfer.files);
  }
}

/** The beginning of what a message says, on one line. */
export function excerptOf(message) {
  const text = message.querySelector(".message__body")?.textContent.trim().replace(/\s+/g, " ") ?? "";
  return text ? text.slice(0, EXCERPT) : gettext("Attachment");
}

// A finger has no Shift for a new line: there the button sends.
const isTouch = () => matchMedia("(pointer: coarse)").matches;

customElements.define("message-composer", MessageComposer);
