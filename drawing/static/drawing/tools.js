/* What a hand does with the tool that is chosen; the tools themselves are in files of their own. */
import { EraserTool } from "./eraser-tool.js";
import { Kind } from "./elements.js";
import { PenTool } from "./pen-tool.js";
import { SelectTool } from "./select-tool.js";
import { ShapeTool } from "./shape-tool.js";
import { TextTool } from "./text-tool.js";
import { tell } from "./wire.js";

export const LOOKING = new Set(["select", "hand"]); // what somebody may use who may not draw

export class Tools extends EventTarget {
  name = "hand";
  #board;
  #all;
  #cursorAt = 0;

  constructor(board, field) {
    super();
    this.#board = board;
    this.#all = {
      select: new SelectTool(board),
      pen: new PenTool(board, Kind.PEN),
      highlighter: new PenTool(board, Kind.HIGHLIGHTER),
      line: new ShapeTool(board, Kind.LINE),
      arrow: new ShapeTool(board, Kind.ARROW),
      rect: new ShapeTool(board, Kind.RECT),
      ellipse: new ShapeTool(board, Kind.ELLIPSE),
      text: new TextTool(board, field),
      eraser: new EraserTool(board),
      hand: {},
    };
  }

  /** Nobody draws on a replay: what they drew would not be seen. */
  get isHand() {
    return this.name === "hand" || this.#board.hasAttribute("data-replaying");
  }

  get current() {
    return this.#all[this.name];
  }

  get selection() {
    return this.#all.select;
  }

  get text() {
    return this.#all.text;
  }

  get eraser() {
    return this.#all.eraser;
  }

  /** The strokes that this hand draws right now. */
  get sketches() {
    return [this.current.sketch].filter(Boolean);
  }

  choose(name) {
    if (!this.#all[name] || (!this.#board.mayDraw && !LOOKING.has(name)) || name === this.name) return;
    this.current.cancel?.();
    if (name !== "select") this.selection.select([]);
    this.eraser.leave();
    this.name = name;
    this.dispatchEvent(new Event("change"));
  }

  down(point) {
    this.current.down?.(point);
    this.#tellCursor(point);
  }

  move(points) {
    this.current.move?.(points);
    this.#tellCursor(points.at(-1));
  }

  up(point) {
    this.current.up?.(point);
  }

  cancel() {
    this.current.cancel?.();
  }

  hover(point) {
    this.#tellCursor(point);
    this.current.hover?.(point);
  }

  leave() {
    this.current.leave?.();
  }

  doubleClick(point) {
    this.current.doubleClick?.(point);
  }

  #tellCursor({ x, y }) {
    if (this.current.isTold) return; // the pen is where its ink ends
    if (performance.now() - this.#cursorAt < 33) return; // ms: what a screen can show, halved
    this.#cursorAt = performance.now();
    this.#board.link.sketch(tell.cursor(Math.round(x), Math.round(y)));
  }
}
