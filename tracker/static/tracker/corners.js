/** The outer ring of a polygon as somebody walks around it by keyboard, and the corner they are at. Without DOM; positions are [lon, lat]. */
const FEWEST = 3;

export class Corners {
  #at = null; // the index of the chosen one

  get chosen() {
    return this.#at;
  }

  /** To the next one, or with -1 to the one before. The first step chooses the first. */
  step(ring, by) {
    const count = ring.length - 1; // the last position is the first again
    this.#at = this.#at === null ? 0 : (this.#at + by + count) % count;
  }

  /** The ring with the chosen corner elsewhere. */
  moved(ring, to) {
    return closed(ring.slice(0, -1).with(this.#at, to));
  }

  /** The ring with one more corner, halfway to the next, which is chosen. */
  grown(ring) {
    const [from, to] = [ring[this.#at], ring[this.#at + 1]];
    this.#at += 1;
    return closed(ring.slice(0, -1).toSpliced(this.#at, 0, [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2]));
  }

  /** The ring without the chosen corner, or null where only a triangle is left. */
  shrunk(ring) {
    if (ring.length - 1 <= FEWEST) return null;
    const corners = ring.slice(0, -1).toSpliced(this.#at, 1);
    this.#at %= corners.length;
    return closed(corners);
  }
}

function closed(corners) {
  return [...corners, corners[0]];
}
