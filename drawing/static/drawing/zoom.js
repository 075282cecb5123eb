/* The zoom buttons, and the sheet's pattern that moves with the view. */
import { joined } from "./elements.js";

const STEP = 1.25;
const PATTERN = 24; // pixels of the board between two lines, at least 12 and below 24 on the screen

export class Zoom {
  #board;

  constructor(board, signal) {
    this.#board = board;
    board.querySelector(".zoom").addEventListener("click", (event) => this.#press(event.target.closest("button")), { signal });
    board.view.addEventListener("change", () => this.#follow());
    this.#follow();
  }

  /** The box of everything that is drawn, or null. */
  get contents() {
    return this.#board.sheet.shown.reduce((box, { shape }) => joined(box, shape.box), null);
  }

  in() {
    this.#board.view.zoomBy(STEP);
  }

  out() {
    this.#board.view.zoomBy(1 / STEP);
  }

  reset() {
    this.#board.view.zoomBy(1 / this.#board.view.zoom);
  }

  fit() {
    const box = this.contents;
    if (box) this.#board.view.show(box, { most: 4, margin: Math.min(72, this.#board.view.width * 0.06) });
  }

  #press(button) {
    this[button?.dataset.zoom]?.();
  }

  #follow() {
    const { x, y, zoom } = this.#board.view;
    this.#board.querySelector("[data-zoom='reset']").textContent = `${Math.round(zoom * 100)} %`;
    const size = PATTERN * zoom * 2 ** -Math.floor(Math.log2(zoom));
    const { style } = this.#board.stage;
    style.setProperty("--pattern", `${size}px`);
    style.backgroundPosition = `${-x * zoom}px ${-y * zoom}px`;
  }
}
