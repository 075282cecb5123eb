/* Which part of the board is seen: `x`, `y` is the board's point in the left upper corner of the window, `zoom` screen pixels for each of the board's. */
export const ZOOM = { least: 0.05, most: 16 };

export class View extends EventTarget {
  x = 0;
  y = 0;
  zoom = 1;
  width = 1; // of the window, in screen pixels
  height = 1;

  get box() {
    return [this.x, this.y, this.x + this.width / this.zoom, this.y + this.height / this.zoom];
  }

  get middle() {
    return { x: this.width / 2, y: this.height / 2 };
  }

  toBoard(x, y) {
    return { x: this.x + x / this.zoom, y: this.y + y / this.zoom };
  }

  toScreen(x, y) {
    return { x: (x - this.x) * this.zoom, y: (y - this.y) * this.zoom };
  }

  pan(dx, dy) {
    this.#set(this.x - dx / this.zoom, this.y - dy / this.zoom, this.zoom);
  }

  /** Zooms by a factor; the point under `at` (screen pixels) stays where it is. */
  zoomBy(factor, at = this.middle) {
    const zoom = Math.max(ZOOM.least, Math.min(ZOOM.most, this.zoom * factor));
    const still = this.toBoard(at.x, at.y);
    this.#set(still.x - at.x / zoom, still.y - at.y / zoom, zoom);
  }

  /** Shows all of a box, with a margin, enlarged at most `most` times. */
  show([left, top, right, bottom], { most = 1, margin = 48 } = {}) {
    const fit = Math.min((this.width - 2 * margin) / Math.max(right - left, 1), (this.height - 2 * margin) / Math.max(bottom - top, 1));
    const zoom = Math.max(ZOOM.least, Math.min(most, fit));
    this.#set((left + right) / 2 - this.width / 2 / zoom, (top + bottom) / 2 - this.height / 2 / zoom, zoom);
  }

  resize(width, height) {
    this.width = width;
    this.height = height;
    this.dispatchEvent(new Event("change"));
  }

  #set(x, y, zoom) {
    if (x === this.x && y === this.y && zoom === this.zoom) return;
    Object.assign(this, { x, y, zoom });
    this.dispatchEvent(new Event("change"));
  }
}
