/* Pen and highlighter: a stroke is told while it is drawn, kept when the hand leaves the board. */
import { GrowingStroke, Kind, precisionAt } from "./elements.js";
import { newKey, tell } from "./wire.js";

const LONGEST = 1_900; // points; what goes on is a new stroke, joined to the last

export class PenTool {
  #board;
  #kind;
  #stroke = null;
  #key = "";
  #isLive = false;
  #hasBegun = false;

  constructor(board, kind) {
    this.#board = board;
    this.#kind = kind;
  }

  /** What is to be painted of it. */
  get sketch() {
    return this.#stroke?.sketch;
  }

  /** Whether others see it grow. */
  get isTold() {
    return Boolean(this.#stroke) && this.#isLive;
  }

  down(point) {
    const { rgb, width } = this.#board.ink;
    const isHighlighter = this.#kind === Kind.HIGHLIGHTER;
    this.#key = newKey();
    this.#isLive = this.#board.link.isLive;
    this.#hasBegun = false;
    this.#stroke = new GrowingStroke({
      kind: this.#kind,
      rgb,
      width: isHighlighter ? width * 4 + 8 : width,
      precision: precisionAt(this.#board.view.zoom),
      hasPressure: point.type === "pen" && !isHighlighter,
    });
    this.#add([point]);
  }

  move(points) {
    if (!this.#stroke) return;
    this.#add(points);
    if (this.#stroke.count < LONGEST) return;
    const last = points.at(-1);
    this.up();
    this.down(last);
  }

  up() {
    const stroke = this.#stroke;
    if (!stroke) return;
    if (stroke.hasFresh) this.#tell(stroke.take());
    const shape = stroke.shape();
    const entry = { type: "put", key: this.#key, data: shape.data, shape };
    // Told whole before this tab has rejoined or was refused: then it goes as an element, as it does from the outbox.
    const isLive = this.#isLive && this.#board.link.isLive;
    this.#stroke = null;
    this.#board.make([entry], { isLive });
    if (isLive) {
      this.#board.link.send(tell.end(entry.tag, stroke.count));
    }
  }

  cancel() {
    if (this.#hasBegun && this.#isLive) this.#board.link.sketch(tell.cancel());
    this.#stroke = null;
    this.#board.painter.refresh();
  }

  /** The server did not take what it was told of this stroke. */
  refused() {
    this.#isLive = false;
  }

  #add(points) {
    let added = 0;
    for (const { x, y, pressure } of points) added += this.#stroke.add(x, y, pressure) ? 1 : 0;
    if (!added) return;
    this.#board.link.meter.drew(added);
    this.#tell(this.#stroke.take());
    this.#board.painter.refresh();
  }

  #tell(ink) {
    if (!this.#isLive) return;
    const told = this.#hasBegun ? tell.ink(ink) : tell.begin(this.#key, ink);
    this.#hasBegun = true;
    this.#isLive = this.#board.link.sketch(told);
  }
}
