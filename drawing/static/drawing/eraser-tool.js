/* The eraser takes whole elements away: everything that it has passed over when the hand leaves the board. */
import { isHit } from "./paths.js";

const RADIUS = 8; // screen pixels

export class EraserTool {
  #board;
  #last = null;
  #doomed = new Set();
  at = null; // where it is, to be painted

  constructor(board) {
    this.#board = board;
  }

  get radius() {
    return RADIUS / this.#board.view.zoom;
  }

  isDoomed(item) {
    return this.#doomed.has(item);
  }

  get doomed() {
    return this.#doomed;
  }

  down(point) {
    this.#last = point;
    this.#pass(point);
  }

  move(points) {
    if (!this.#last) return;
    for (const point of points) this.#pass(point);
  }

  up() {
    const items = [...this.#doomed].filter((item) => item.shape);
    this.cancel();
    if (items.length) this.#board.erase(items);
  }

  cancel() {
    this.#last = null;
    this.#doomed = new Set();
    this.#board.painter.refresh();
  }

  hover(point) {
    this.at = point;
    this.#board.painter.refresh();
  }

  leave() {
    this.at = null;
    this.#board.painter.refresh();
  }

  /** A fast hand leaves gaps between its points: look in between, too. */
  #pass(point) {
    const steps = Math.max(1, Math.ceil(Math.hypot(point.x - this.#last.x, point.y - this.#last.y) / this.radius));
    for (let step = 1; step <= steps; step++) {
      const share = step / steps;
      const x = this.#last.x + (point.x - this.#last.x) * share;
      const y = this.#last.y + (point.y - this.#last.y) * share;
      for (const item of this.#board.sheet.items) {
        if (item.shape && !this.#doomed.has(item) && isHit(item.shape, x, y, this.radius)) this.#doomed.add(item);
      }
    }
    this.#last = point;
    this.hover(point);
  }
}
