/*
 * Two canvases: what is stored lies on the lower one and is painted only where it changes; what moves lies on the upper one and is
 * painted each frame while there is any. A large board is first painted roughly, and its pen strokes are worked out while there
 * is time. While a large board is being moved, its last picture is moved.
 */
import { joined, touches } from "./elements.js";
import { draw, outline, owesOutline } from "./paths.js";

const SLICE = 8; // ms of working out outlines at a time
const SMOOTH = 12; // ms; what takes longer to paint is not painted for each frame of a movement
const STILL = 90; // ms without a movement, and it is painted afresh
const TIDY = 400; // ms without a change, likewise

export class Painter {
  #element; // has `data-settled` while the lower canvas shows everything as it should
  #lower;
  #upper;
  #view;
  #sheet;
  #overlays = [];
  #source; // what has `items`: the sheet, or a replay of it
  #isDark = false;
  #ratio = 1;
  #dirty = null; // a box of the board, "all", or null
  #isUpperDirty = false;
  #frame = 0;
  #took = 0;
  #picture = null; // {canvas, x, y, zoom}: the last one that was painted afresh
  #later = 0;
  #rough = false;
  #isOutlining = false;

  constructor({ element, view, sheet }) {
    this.#element = element;
    this.#lower = element.querySelector("canvas.board__lower").getContext("2d");
    this.#upper = element.querySelector("canvas.board__upper").getContext("2d");
    this.#view = view;
    this.#sheet = this.#source = sheet;
    view.addEventListener("change", () => this.#moved());
    sheet.addEventListener("change", ({ detail: { item, before } }) => this.#changed(item, before));
    sheet.addEventListener("reload", () => this.repaint());
  }

  /** What else is painted on the upper canvas: a function that is given its context, in pixels of the board. */
  overlay(paint) {
    this.#overlays.push(paint);
  }

  /** Shows something else than the board: null for the board again. */
  show(source) {
    this.#source = source ?? this.#sheet;
    this.repaint();
  }

  get isDark() {
    return this.#isDark;
  }

  set isDark(isDark) {
    if (isDark === this.#isDark) return;
    this.#isDark = isDark;
    this.repaint();
  }

  resize(width, height) {
    this.#ratio = Math.min(window.devicePixelRatio || 1, 2);
    for (const { canvas } of [this.#lower, this.#upper]) {
      canvas.width = Math.round(width * this.#ratio);
      canvas.height = Math.round(height * this.#ratio);
    }
    this.#picture = null;
    this.repaint();
  }

  repaint() {
    this.#dirty = "all";
    this.refresh();
  }

  /** The upper canvas has to be painted. */
  refresh() {
    this.#isUpperDirty = true;
    this.#soon();
  }

  #changed(item, before) {
    if (this.#source !== this.#sheet) return;
    if (this.#dirty === "moved") this.#dirty = "all"; // the picture that is moved was taken before
    if (this.#dirty !== "all") {
      for (const shape of [before, item.shape]) if (shape) this.#dirty = joined(this.#dirty, shape.box);
    }
    delete this.#element.dataset.settled;
    this.#soon();
  }

  #moved() {
    delete this.#element.dataset.settled;
    this.refresh();
    if (this.#took < SMOOTH || !this.#picture) {
      this.#dirty = "all";
      return;
    }
    this.#dirty = this.#dirty ? "all" : "moved";
    this.#repaintLater(STILL);
  }

  #soon() {
    this.#frame ||= requestAnimationFrame(() => this.#paint());
  }

  #paint() {
    this.#frame = 0;
    const dirty = this.#dirty;
    this.#dirty = null;
    if (dirty === "moved") this.#movePicture();
    else if (dirty === "all") this.#paintAll();
    else if (dirty) this.#paintBox(dirty);
    if (this.#isUpperDirty) this.#paintUpper();
    if (this.#rough) this.#outlineLater();
    else if (dirty === "all") this.#element.dataset.settled = this.#sheet.rev;
  }

  #paintAll() {
    const started = performance.now();
    const { canvas } = this.#lower;
    this.#lower.setTransform(1, 0, 0, 1, 0, 0);
    this.#lower.clearRect(0, 0, canvas.width, canvas.height);
    this.#rough = false;
    this.#paintItems(this.#view.box);
    this.#took = performance.now() - started;
    if (this.#source.items.length) performance.mark("drawing:painted");
    if (this.#took >= SMOOTH) this.#keepPicture();
  }

  /** Only what lies in a box, cut off at its edges: whole pixels, so that nothing shows where it was cut. */
  #paintBox(box) {
    const seen = this.#view.box;
    if (!touches(box, seen)) return;
    const scale = this.#view.zoom * this.#ratio;
    const left = Math.max(0, Math.floor((box[0] - seen[0]) * scale) - 2);
    const top = Math.max(0, Math.floor((box[1] - seen[1]) * scale) - 2);
    const right = Math.min(this.#lower.canvas.width, Math.ceil((box[2] - seen[0]) * scale) + 2);
    const bottom = Math.min(this.#lower.canvas.height, Math.ceil((box[3] - seen[1]) * scale) + 2);
    this.#lower.save();
    this.#lower.setTransform(1, 0, 0, 1, 0, 0);
    this.#lower.beginPath();
    this.#lower.rect(left, top, right - left, bottom - top);
    this.#lower.clip();
    this.#lower.clearRect(left, top, right - left, bottom - top);
    this.#paintItems([seen[0] + left / scale, seen[1] + top / scale, seen[0] + right / scale, seen[1] + bottom / scale]);
    this.#lower.restore();
    this.#picture = null;
    this.#repaintLater(TIDY);
  }

  /** A shape that was painted in two halves is a shade different where they meet. */
  #repaintLater(wait) {
    clearTimeout(this.#later);
    this.#later = setTimeout(() => this.repaint(), wait);
  }

  #paintItems(box) {
    const scale = this.#scaleTo(this.#lower);
    const options = { isDark: this.#isDark, scale, rough: false };
    const started = performance.now();
    for (const { shape } of this.#source.items) {
      if (!shape || !touches(shape.box, box)) continue;
      options.rough ||= performance.now() - started > SMOOTH;
      if (!draw(this.#lower, shape, options)) this.#rough = true;
    }
  }

  #paintUpper() {
    this.#isUpperDirty = false;
    this.#upper.setTransform(1, 0, 0, 1, 0, 0);
    this.#upper.clearRect(0, 0, this.#upper.canvas.width, this.#upper.canvas.height);
    const scale = this.#scaleTo(this.#upper);
    for (const paint of this.#overlays) paint(this.#upper, { isDark: this.#isDark, scale });
  }

  #scaleTo(context) {
    const scale = this.#view.zoom * this.#ratio;
    context.setTransform(scale, 0, 0, scale, -this.#view.x * scale, -this.#view.y * scale);
    return scale;
  }

  #keepPicture() {
    const { canvas } = this.#lower;
    const kept = this.#picture?.canvas ?? document.createElement("canvas");
    kept.width = canvas.width;
    kept.height = canvas.height;
    kept.getContext("2d").drawImage(canvas, 0, 0);
    this.#picture = { canvas: kept, x: this.#view.x, y: this.#view.y, zoom: this.#view.zoom };
  }

  #movePicture() {
    const { canvas, x, y, zoom } = this.#picture ?? {};
    if (!canvas) return this.#paintAll();
    const factor = this.#view.zoom / zoom;
    const scale = this.#view.zoom * this.#ratio;
    this.#lower.setTransform(1, 0, 0, 1, 0, 0);
    this.#lower.clearRect(0, 0, canvas.width, canvas.height);
    this.#lower.setTransform(factor, 0, 0, factor, (x - this.#view.x) * scale, (y - this.#view.y) * scale);
    this.#lower.drawImage(canvas, 0, 0);
  }

  /** Works out what was painted roughly, a little at a time, then paints once more. */
  #outlineLater() {
    if (this.#isOutlining) return;
    this.#isOutlining = true;
    const work = () => {
      const until = performance.now() + SLICE;
      const box = this.#view.box;
      const scale = this.#view.zoom * this.#ratio;
      for (const { shape } of this.#source.items) {
        if (!shape || !owesOutline(shape, scale) || !touches(shape.box, box)) continue;
        outline(shape);
        if (performance.now() > until) return setTimeout(work);
      }
      this.#isOutlining = false;
      this.repaint();
    };
    setTimeout(work);
  }
}
