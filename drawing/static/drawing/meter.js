/* What goes through the socket of this board: bytes and frames each way per second, and how long an ack takes. */
const SPAN = 2_000; // ms over which it is averaged

export class Meter {
  #marks = { up: [], down: [], points: [] };
  #latency = null;

  sent(bytes) {
    this.#mark("up", bytes);
  }

  received(bytes) {
    this.#mark("down", bytes);
  }

  drew(points) {
    this.#mark("points", points);
  }

  /** `took` milliseconds, or null. */
  answered(took) {
    if (took !== null) this.#latency = this.#latency === null ? took : this.#latency * 0.7 + took * 0.3;
  }

  /** Per second, and the latency in ms (null before the first ack). */
  read() {
    const rate = (name) => (this.#recent(name).reduce((sum, [, amount]) => sum + amount, 0) * 1000) / SPAN;
    const frames = (name) => (this.#recent(name).length * 1000) / SPAN;
    return {
      up: rate("up"), down: rate("down"), framesUp: frames("up"), framesDown: frames("down"), points: rate("points"), latency: this.#latency,
    };
  }

  #mark(name, amount) {
    this.#recent(name).push([performance.now(), amount]);
  }

  #recent(name) {
    const since = performance.now() - SPAN;
    return (this.#marks[name] = this.#marks[name].filter(([at]) => at > since));
  }
}
