/* The keys of a board. Everything that a hand can do to what is there, keys can do, too; shapes come into the middle. */
import { format, gettext } from "../realtime/words.js";
import { Kind, encode } from "./elements.js";

const TOOLS = {
  v: "select", h: "hand", p: "pen", m: "highlighter", l: "line", a: "arrow", r: "rect", o: "ellipse", t: "text", e: "eraser",
};
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const KINDS = {
  [Kind.PEN]: gettext("pen"), [Kind.HIGHLIGHTER]: gettext("highlighter"), [Kind.LINE]: gettext("line"),
  [Kind.ARROW]: gettext("arrow"), [Kind.RECT]: gettext("rect"), [Kind.ELLIPSE]: gettext("ellipse"),
};
const FAR = 10; // as far with Shift
const PAN = 60; // screen pixels

export class Keyboard {
  #board;

  constructor(board, signal) {
    this.#board = board;
    document.addEventListener("keydown", (event) => this.#down(event), { signal });
    document.addEventListener("keyup", (event) => this.#up(event), { signal });
    addEventListener("blur", () => (board.hand.isSpaceDown = false), { signal });
  }

  #down(event) {
    const { target } = event;
    const isOurs = target === document.body || this.#board.contains(target);
    if (!isOurs || target.closest("input, textarea, select, dialog, [popover]")) return;
    const isOnStage = target === this.#board.stage || target === document.body;
    const act = this.#actOf(event, isOnStage);
    if (!act) return;
    event.preventDefault();
    act();
  }

  #up(event) {
    if (event.key !== " ") return;
    this.#board.hand.isSpaceDown = false;
    delete this.#board.stage.dataset.space;
  }

  #actOf(event, isOnStage) {
    const board = this.#board;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (event.ctrlKey || event.metaKey) {
      return {
        z: () => (event.shiftKey ? board.redo() : board.undo()),
        y: () => board.redo(),
        a: () => this.#selectAll(),
        d: () => board.duplicate(board.tools.selection.items),
      }[key];
    }
    if (event.altKey) return null;
    if (TOOLS[key]) return () => board.tools.choose(TOOLS[key]);
    if (isOnStage && key === " ") return () => this.#space();
    if (isOnStage && ARROWS[key]) return () => this.#arrow(ARROWS[key], event.shiftKey);
    if (isOnStage && key === "Enter") return () => this.#enter();
    return {
      Delete: () => board.erase(board.tools.selection.items),
      Backspace: () => board.erase(board.tools.selection.items),
      Escape: () => this.#escape(),
      "+": () => board.zoom.in(),
      "=": () => board.zoom.in(),
      "-": () => board.zoom.out(),
      0: () => board.zoom.reset(),
      1: () => board.zoom.fit(),
      "[": () => this.#step(-1),
      "]": () => this.#step(1),
      "?": () => board.menu.help(),
    }[key];
  }

  #space() {
    this.#board.hand.isSpaceDown = true;
    this.#board.stage.dataset.space = "";
  }

  #arrow([x, y], isFar) {
    const { tools, view } = this.#board;
    const items = tools.selection.items;
    if (!items.length || !this.#board.mayDraw) return view.pan(-x * PAN, -y * PAN);
    const step = (isFar ? FAR : 1) / view.zoom;
    const moved = (shape) => shape.points.map((value, at) => value + (at % 3 === 0 ? x * step : at % 3 === 1 ? y * step : 0));
    this.#board.change(items.map((item) => [item, encode({ ...item.shape, points: moved(item.shape) })]));
  }

  #enter() {
    const { tools, view } = this.#board;
    const [item] = tools.selection.items;
    if (item?.shape.kind === Kind.TEXT) return this.#board.editText(item);
    const [left, top, right, bottom] = view.box;
    tools.current.placeAt?.({ x: (left + right) / 2, y: (top + bottom) / 2 });
  }

  #escape() {
    this.#board.others.stopFollowing();
    this.#board.menu.stopReplay();
    this.#board.tools.cancel();
    this.#board.tools.selection.select([]);
  }

  #selectAll() {
    this.#board.tools.choose("select");
    this.#board.tools.selection.select(this.#board.sheet.shown);
    this.#board.announce(format(gettext("%(count)s selected."), { count: this.#board.tools.selection.items.length }));
  }

  /** From one element to the next, the lowest first. */
  #step(by) {
    const { sheet, tools } = this.#board;
    const shown = sheet.shown;
    if (!shown.length) return;
    this.#board.tools.choose("select");
    const at = shown.indexOf(tools.selection.items.at(-1));
    const next = shown[at < 0 ? (by > 0 ? 0 : shown.length - 1) : (at + by + shown.length) % shown.length];
    tools.selection.select([next]);
    const { kind, text } = next.shape;
    this.#board.announce(kind === Kind.TEXT ? format(gettext("Text: %(text)s"), { text }) : KINDS[kind]);
  }
}
