/* Line, arrow, rectangle, ellipse: from where the hand comes down to where it leaves. Shift makes them even. */
import { Kind, encode, precisionAt } from "./elements.js";
import { newKey, tell } from "./wire.js";

const LEAST = 3; // screen pixels; less was a click, and makes a shape of the usual size
const USUAL = { x: 160, y: 100 };
const TOLD = 40; // ms between two pictures of it that others see

export class ShapeTool {
  #board;
  #kind;
  #from = null;
  #to = null;
  #toldAt = 0;

  constructor(board, kind) {
    this.#board = board;
    this.#kind = kind;
  }

  get sketch() {
    return this.#from && this.#shape(this.#from, this.#to);
  }

  down(point) {
    this.#from = this.#to = point;
  }

  move(points) {
    if (!this.#from) return;
    const point = points.at(-1);
    this.#to = point.event.shiftKey ? this.#even(point) : point;
    this.#board.painter.refresh();
    if (performance.now() - this.#toldAt < TOLD) return;
    this.#toldAt = performance.now();
    this.#board.link.sketch(tell.shape(encode(this.sketch).data));
  }

  up() {
    if (!this.#from) return;
    const [from, to] = [this.#from, this.#to];
    this.#from = null;
    const isClick = Math.hypot(to.x - from.x, to.y - from.y) * this.#board.view.zoom < LEAST;
    this.#board.link.sketch(tell.shape());
    this.place(from, isClick ? this.#usual(from) : to);
  }

  cancel() {
    this.#from = null;
    this.#board.link.sketch(tell.shape());
    this.#board.painter.refresh();
  }

  /** Without a pointer: a shape of the usual size in the middle of what is seen. */
  placeAt(middle) {
    const size = this.#usual({ x: 0, y: 0 });
    const from = { x: middle.x - size.x / 2, y: middle.y - size.y / 2 };
    this.place(from, this.#usual(from));
  }

  place(from, to) {
    const { data } = encode(this.#shape(from, to));
    const [entry] = this.#board.make([{ type: "put", key: newKey(), data }]);
    this.#board.made(entry.item);
  }

  #shape(from, to) {
    const { rgb, width, fill } = this.#board.ink;
    const isFlat = this.#kind === Kind.LINE || this.#kind === Kind.ARROW;
    const points = [from.x, from.y, 0.5, to.x, to.y, 0.5];
    return { kind: this.#kind, rgb, width, fill: isFlat ? "" : fill, precision: precisionAt(this.#board.view.zoom), text: "", points };
  }

  #usual(from) {
    const { zoom } = this.#board.view;
    return { x: from.x + USUAL.x / zoom, y: from.y + USUAL.y / zoom };
  }

  /** Lines at steps of 15 degrees, squares, circles. */
  #even({ x, y }) {
    const [dx, dy] = [x - this.#from.x, y - this.#from.y];
    if (this.#kind === Kind.RECT || this.#kind === Kind.ELLIPSE) {
      const side = Math.max(Math.abs(dx), Math.abs(dy));
      return { x: this.#from.x + Math.sign(dx || 1) * side, y: this.#from.y + Math.sign(dy || 1) * side };
    }
    const step = Math.PI / 12;
    const angle = Math.round(Math.atan2(dy, dx) / step) * step;
    const length = Math.hypot(dx, dy);
    return { x: this.#from.x + Math.cos(angle) * length, y: this.#from.y + Math.sin(angle) * length };
  }
}
