/* Select, move, resize. A press selects what lies on top, a drag over nothing selects what it encloses. */
import { Kind, encode, joined } from "./elements.js";
import { isHit } from "./paths.js";

const REACH = 6; // screen pixels around a line that count as the line
const HANDLE = 9; // screen pixels: half the size of what a hand can take hold of

export class SelectTool {
  selected = new Set();
  #board;
  #from = null;
  #to = null;
  #mode = ""; // "move", "size", "frame"
  #corner = null;
  #box = null;

  constructor(board) {
    this.#board = board;
    board.sheet.addEventListener("change", ({ detail: { item } }) => {
      if (!item.shape && this.selected.delete(item)) this.#announce();
    });
  }

  get items() {
    return [...this.selected].filter((item) => item.shape);
  }

  get box() {
    return this.items.reduce((box, item) => joined(box, item.shape.box), null);
  }

  select(items) {
    this.selected = new Set(items);
    this.#announce();
  }

  down(point) {
    this.#from = this.#to = point;
    this.#corner = this.#cornerAt(point);
    this.#box = this.box;
    if (this.#corner) {
      this.#mode = "size";
      return;
    }
    const hit = this.#hit(point);
    const isMore = point.event.shiftKey;
    if (!hit) {
      const [left, top, right, bottom] = this.#box ?? [1, 1, 0, 0];
      const isInside = point.x >= left && point.x <= right && point.y >= top && point.y <= bottom;
      this.#mode = isInside && !isMore ? "move" : "frame";
      if (this.#mode === "frame" && !isMore) this.select([]);
      return;
    }
    if (isMore) this.select(this.selected.has(hit) ? this.items.filter((item) => item !== hit) : [...this.items, hit]);
    else if (!this.selected.has(hit)) this.select([hit]);
    this.#box = this.box;
    this.#mode = "move";
  }

  move(points) {
    if (!this.#from) return;
    this.#to = points.at(-1);
    this.#board.painter.refresh();
  }

  up() {
    const [mode, from, to] = [this.#mode, this.#from, this.#to];
    if (!from) return;
    const pairs = mode === "frame" ? [] : this.items.map((item) => [item, encode(this.moved(item.shape))]);
    this.cancel();
    if (mode === "frame") return this.#selectFrame(from, to);
    const isStill = Math.hypot(to.x - from.x, to.y - from.y) * this.#board.view.zoom < 2;
    if (!isStill && this.#board.mayDraw) this.#board.change(pairs);
  }

  cancel() {
    this.#from = null;
    this.#mode = "";
    this.#board.painter.refresh();
  }

  doubleClick(point) {
    const hit = this.#hit(point);
    if (hit?.shape.kind === Kind.TEXT) this.#board.editText(hit);
  }

  /** The frame that is being drawn, or null. */
  get frame() {
    if (this.#mode !== "frame") return null;
    const [from, to] = [this.#from, this.#to];
    return [Math.min(from.x, to.x), Math.min(from.y, to.y), Math.max(from.x, to.x), Math.max(from.y, to.y)];
  }

  /** Whether what is selected is being dragged: then it is painted where it would be. */
  get isDragging() {
    return Boolean(this.#from) && this.#mode !== "frame" && this.#to !== this.#from && this.#board.mayDraw;
  }

  /** The shape as it would be if the hand left the board now. */
  moved(shape) {
    const map = this.#mode === "size" ? this.#sizing() : this.#moving();
    const points = Float32Array.from(shape.points);
    for (let at = 0; at < points.length; at += 3) [points[at], points[at + 1]] = map(points[at], points[at + 1]);
    const width = shape.kind === Kind.TEXT ? Math.max(4, Math.min(800, shape.width * (map.factor ?? 1))) : shape.width;
    return { ...shape, points, width, path: null, outline: null };
  }

  #moving() {
    const [dx, dy] = [this.#to.x - this.#from.x, this.#to.y - this.#from.y];
    return (x, y) => [x + dx, y + dy];
  }

  /** Both ways alike, from the opposite corner. */
  #sizing() {
    const [left, top, right, bottom] = this.#box;
    const [still, held] = [
      { x: this.#corner.x === left ? right : left, y: this.#corner.y === top ? bottom : top },
      this.#corner,
    ];
    const before = Math.hypot(held.x - still.x, held.y - still.y) || 1;
    const along = ((this.#to.x - still.x) * (held.x - still.x) + (this.#to.y - still.y) * (held.y - still.y)) / before;
    const factor = Math.max(0.05, along / before);
    return Object.assign((x, y) => [still.x + (x - still.x) * factor, still.y + (y - still.y) * factor], { factor });
  }

  #cornerAt({ x, y }) {
    const box = this.box;
    if (!box || !this.#board.mayDraw) return null;
    const reach = HANDLE / this.#board.view.zoom;
    return corners(box).find((corner) => Math.abs(corner.x - x) <= reach && Math.abs(corner.y - y) <= reach) ?? null;
  }

  #hit({ x, y }) {
    const reach = REACH / this.#board.view.zoom;
    return this.#board.sheet.items.findLast((item) => item.shape && isHit(item.shape, x, y, reach)) ?? null;
  }

  #selectFrame(from, to) {
    const box = [Math.min(from.x, to.x), Math.min(from.y, to.y), Math.max(from.x, to.x), Math.max(from.y, to.y)];
    const isInside = ({ box: [left, top, right, bottom] }) => left >= box[0] && top >= box[1] && right <= box[2] && bottom <= box[3];
    const inside = this.#board.sheet.shown.filter((item) => isInside(item.shape));
    this.select(from.event.shiftKey ? [...this.items, ...inside] : inside);
  }

  #announce() {
    this.#board.selectionChanged();
    this.#board.painter.refresh();
  }
}

export const corners = ([left, top, right, bottom]) => [
  { x: left, y: top }, { x: right, y: top }, { x: left, y: bottom }, { x: right, y: bottom },
];
