/* Text: a press opens a field on the board; what is in it is kept when it is left. Escape leaves it, too; so does Ctrl+Enter. */
import { FONT, Kind, LINE_HEIGHT, encode, precisionAt, textSize } from "./elements.js";
import { css } from "./colours.js";
import { newKey } from "./wire.js";

const SIZES = [[2, 16], [4, 22], [8, 36], [16, 56]]; // of the pen, and of what is written with it

export const textHeight = (width) => (SIZES.find(([pen]) => width <= pen) ?? SIZES.at(-1))[1];

export class TextTool {
  #board;
  #field;
  #open = null; // {x, y, height, rgb, item}

  constructor(board, field) {
    this.#board = board;
    this.#field = field;
    field.addEventListener("blur", () => this.close());
    field.addEventListener("input", () => this.place());
    field.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Escape" || (event.key === "Enter" && (event.ctrlKey || event.metaKey))) {
        event.preventDefault();
        this.#board.focus();
      }
    });
    board.view.addEventListener("change", () => this.place());
  }

  /** The element that is being edited is not painted beneath the field. */
  get edited() {
    return this.#open?.item ?? null;
  }

  down() {
    this.#board.focus(); // closes a field that is open
  }

  move() {}

  up(point) {
    if (point) this.open(point);
  }

  cancel() {}

  placeAt(middle) {
    this.open(middle);
  }

  /** At a point of the board; or on a text that is there. */
  open({ x, y }, item = null) {
    const { rgb, width } = this.#board.ink;
    const height = Math.round(textHeight(width) / this.#board.view.zoom);
    const at = item
      ? { x: item.shape.points[0], y: item.shape.points[1], height: item.shape.width, rgb: item.shape.rgb }
      : { x, y: y - height / 2, height: Math.max(4, Math.min(800, height)), rgb };
    this.#open = { ...at, item };
    this.#field.value = item?.shape.text ?? "";
    this.#field.hidden = false;
    this.place();
    if (item) this.#board.painter.repaint();
    this.#field.focus();
  }

  place() {
    if (!this.#open) return;
    const { x, y, height, rgb } = this.#open;
    const { zoom } = this.#board.view;
    const at = this.#board.view.toScreen(x, y);
    const size = textSize(this.#field.value || " ", height);
    const { style } = this.#field;
    style.translate = `${at.x}px ${at.y}px`;
    style.font = `${height * zoom}px/${LINE_HEIGHT} ${FONT}`;
    style.color = css(rgb, this.#board.painter.isDark);
    style.inlineSize = `${(size.width + height) * zoom + 4}px`;
    style.blockSize = `${size.height * zoom + 2}px`;
  }

  close() {
    if (!this.#open) return;
    const { x, y, height, rgb, item } = this.#open;
    const text = this.#field.value.replaceAll("\r\n", "\n").replace(/[\u0000-\u0008\u000b-\u001f\u007f]/gu, "").trimEnd();
    this.#open = null;
    this.#field.hidden = true;
    this.#field.value = "";
    const shape = { kind: Kind.TEXT, rgb, width: height, text, precision: precisionAt(this.#board.view.zoom), points: [x, y, 0.5] };
    if (item) {
      this.#board.painter.repaint();
      if (!text) this.#board.erase([item]);
      else if (text !== item.shape?.text) this.#board.change([[item, encode({ ...shape, precision: item.shape.precision })]]);
    } else if (text) {
      const [entry] = this.#board.make([{ type: "put", key: newKey(), data: encode(shape).data }]);
      this.#board.made(entry.item);
    }
  }
}
