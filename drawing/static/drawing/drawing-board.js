/*
 * A board on the page: puts the parts together. The sheet knows what is drawn, the link talks to the server, the outbox keeps what
 * it has not acked, the painter shows it, the hand and the tools make it.
 */
import { BoardLink } from "./board-link.js";
import { BoardMenu } from "./board-menu.js";
import { BoardStatus } from "./board-status.js";
import { Hand } from "./hand.js";
import { History, togglings } from "./history.js";
import { InkOutbox } from "./ink-outbox.js";
import { Keyboard } from "./keyboard.js";
import { LiveInk } from "./live-ink.js";
import { Others } from "./others.js";
import { Painter } from "./painter.js";
import { Sheet } from "./sheet.js";
import { StylePanel } from "./style-panel.js";
import { Toolbar } from "./toolbar.js";
import { LOOKING, Tools } from "./tools.js";
import { View } from "./view.js";
import { Zoom } from "./zoom.js";
import { format, gettext, ngettext } from "../realtime/words.js";
import { paintHand } from "./overlay.js";
import { encode } from "./elements.js";
import { newKey } from "./wire.js";

const AT_ONCE = 500; // elements that may be changed or copied in one go; the server takes some hundreds at once

class DrawingBoard extends HTMLElement {
  sheet = new Sheet();
  inks = new LiveInk();
  view = new View();
  role = "viewer";
  isLocked = false;
  #controller = new AbortController();
  #announcer;

  connectedCallback() {
    const { signal } = this.#controller;
    const { feed, socket, ink, place, role } = this.dataset;
    this.role = role;
    this.isLocked = "locked" in this.dataset;
    this.stage = this.querySelector(".board__stage");
    this.#announcer = this.querySelector("[data-announcer]");
    const socketUrl = new URL(socket, location.href.replace("http", "ws")).href;
    const user = document.querySelector('meta[name="user-id"]').content;
    this.link = new BoardLink({ feed, user, socketUrl, inkUrl: ink, sheet: this.sheet, inks: this.inks });
    this.outbox = new InkOutbox({ sheet: this.sheet, place, send: (bytes) => this.link.send(bytes) });
    this.link.use(this.outbox);
    this.history = new History(this.outbox);
    this.painter = new Painter({ element: this, view: this.view, sheet: this.sheet });
    this.tools = new Tools(this, this.querySelector(".board__text"));
    this.toolbar = new Toolbar(this, signal);
    this.styles = new StylePanel(this, signal);
    this.others = new Others(this, signal);
    this.status = new BoardStatus(this, signal);
    this.zoom = new Zoom(this, signal);
    this.hand = new Hand({ stage: this.stage, view: this.view, tools: this.tools, signal });
    this.keyboard = new Keyboard(this, signal);
    this.menu = new BoardMenu(this, signal);
    this.#paint();
    this.#listen(signal);
    this.tools.choose(this.mayDraw ? "pen" : "hand");
    this.#start();
  }

  disconnectedCallback() {
    this.#controller.abort();
  }

  get mayDraw() {
    return !this.isLocked && (this.role === "owner" || this.role === "editor");
  }

  /** Colour, width and filling of what is drawn next. */
  get ink() {
    return this.styles.current;
  }

  focus() {
    this.stage.focus({ preventScroll: true });
  }

  /** Says something to those who listen, without a word on the screen. */
  announce(text) {
    this.#announcer.textContent = text;
  }

  // What a person does

  /** Puts elements: entries of the outbox. */
  make(entries, options) {
    if (options?.isLive) this.outbox.add(entries[0], options);
    else this.outbox.addAll(entries);
    this.history.did({ made: entries.map(({ item }) => item) });
    return entries;
  }

  /** A shape or a text was made: whoever made it wants to move it next. */
  made(item) {
    this.tools.choose("select");
    this.tools.selection.select([item]);
  }

  erase(items) {
    if (!this.mayDraw || !items.length) return;
    this.outbox.addAll(togglings("erase", items));
    this.history.did({ erased: items });
    this.announce(format(ngettext("Erased.", "%(count)s elements erased.", items.length), { count: items.length }));
  }

  /** Pairs of an item and the shape it should have. */
  change(pairs) {
    const changed = pairs.filter(([item]) => item.shape).map(([item, shape]) => [item, item.shape, shape]);
    if (changed.length > AT_ONCE) return this.toast(format(gettext("At most %(count)s things can be changed at once."), { count: AT_ONCE }), "warning");
    this.outbox.addAll(changed.map(([item, , shape]) => ({ type: "edit", item, data: shape.data })));
    if (changed.length) this.history.did({ changed });
  }

  duplicate(items, shift = 16 / this.view.zoom) {
    const entries = items.map(({ shape }) => {
      const points = shape.points.map((value, at) => (at % 3 === 2 ? value : value + shift));
      return { type: "put", key: newKey(), data: encode({ ...shape, points }).data };
    });
    if (!this.mayDraw || !entries.length) return;
    if (entries.length > AT_ONCE) return this.toast(format(gettext("At most %(count)s things can be copied at once."), { count: AT_ONCE }), "warning");
    this.make(entries);
    this.tools.choose("select");
    this.tools.selection.select(entries.map(({ item }) => item));
  }

  editText(item) {
    if (!this.mayDraw) return;
    this.tools.selection.select([]);
    this.tools.text.open(item.shape, item);
  }

  undo() {
    if (this.mayDraw) this.announce(this.history.undo() ? gettext("Undone.") : gettext("Nothing to undo."));
  }

  redo() {
    if (this.mayDraw) this.announce(this.history.redo() ? gettext("Done again.") : gettext("Nothing to do again."));
  }

  selectionChanged() {
    this.styles?.follow();
    this.toolbar?.follow();
  }

  // How it comes together

  #paint() {
    this.painter.overlay((context, options) => paintHand(this, context, options));
    this.inks.addEventListener("paint", () => this.painter.refresh());
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const isDark = () => {
      const { theme } = document.documentElement.dataset;
      this.painter.isDark = theme ? theme === "dark" : dark.matches;
      this.styles.show();
    };
    isDark();
    dark.addEventListener("change", isDark, { signal: this.#controller.signal });
    new MutationObserver(isDark).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    new ResizeObserver(() => this.#resize()).observe(this.stage);
    this.#resize();
  }

  #resize() {
    const { clientWidth, clientHeight } = this.stage;
    if (!clientWidth || !clientHeight) return; // it is not shown, such as while the page is printed
    this.view.resize(clientWidth, clientHeight);
    this.painter.resize(clientWidth, clientHeight);
  }

  #listen(signal) {
    this.link.addEventListener("opened", ({ detail }) => {
      this.#facts(detail.board);
      this.#become(detail.role);
    });
    this.link.addEventListener("role", ({ detail }) => this.#become(detail));
    this.link.addEventListener("facts", ({ detail }) => this.#facts(detail));
    this.link.addEventListener("refused", ({ detail }) => {
      this.tools.current.refused?.();
      if (detail.code !== "rate_limited") this.toast(detail.message, "warning");
    });
    this.link.addEventListener("ready", () => this.#ready(), { signal });
    this.outbox.addEventListener("refused", ({ detail: { entry, refusal } }) => {
      if (entry.type !== "put") this.toast(refusal.message, "warning");
    });
  }

  async #start() {
    await this.link.start();
    await this.outbox.inherit();
  }

  /** The whole board is here: show where something is drawn. */
  #ready() {
    const box = this.zoom.contents;
    const shift = (this.querySelector(".toolbar")?.offsetHeight ?? 0) / 2;
    if (box) this.view.show(box, { margin: Math.min(72, this.view.width * 0.06) });
    else this.view.pan(this.view.width / 2, this.view.height / 2 + shift);
    this.dataset.ready = "";
  }

  #become(role) {
    const before = this.mayDraw;
    this.role = role;
    this.#follow(before);
  }

  #facts({ title, background, is_locked: isLocked, access }) {
    const before = this.mayDraw;
    this.isLocked = isLocked;
    this.toggleAttribute("data-locked", isLocked);
    this.dataset.background = background;
    this.dataset.access = access;
    this.menu.rename(title);
    this.#follow(before);
  }

  #follow(couldDraw) {
    this.dataset.role = this.role;
    this.toggleAttribute("data-may-draw", this.mayDraw);
    if (couldDraw === this.mayDraw) return;
    if (!this.mayDraw && !LOOKING.has(this.tools.name)) this.tools.choose("hand");
    if (this.mayDraw) this.tools.choose("pen");
    this.toast(this.mayDraw ? gettext("You can draw here now.") : this.isLocked ? gettext("This board is locked now.") : gettext("You can only look now."));
  }

  toast(text, level = "info") {
    document.querySelector("toast-area")?.show(text, level);
  }
}

customElements.define("drawing-board", DrawingBoard);
