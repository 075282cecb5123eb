/* The board from its first stroke to now, in a few seconds: each element comes where it was made, and goes where it was erased. */
import { gettext } from "../realtime/words.js";
import { decode } from "./elements.js";
import { readHistory } from "./wire.js";

const SECONDS = 12;
const LEAST = 0.12; // seconds for one element, so that a small board does not crawl
const STEPS = 1_000; // of the slider

export class Replay {
  items = []; // what the painter shows
  #board;
  #bar;
  #slider;
  #drawn = [];
  #events = [];
  #at = 0; // 0 to the number of events
  #frame = 0;
  #last = 0;
  #isRunning = false;

  constructor(board, bar) {
    this.#board = board;
    this.#bar = bar;
    this.#slider = bar.querySelector("input");
  }

  async start(url) {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${url}: ${response.status}`);
    this.#drawn = readHistory(await response.arrayBuffer()).drawn.map((each) => ({ ...each, shape: decode(each.data) }));
    if (!this.#drawn.length) return this.#board.toast(gettext("Nothing is drawn yet."));
    this.#events = this.#drawn
      .flatMap((each) => [{ rev: each.number, each }, ...(each.erasedAt ? [{ rev: each.erasedAt, each, isErased: true }] : [])])
      .sort((one, other) => one.rev - other.rev);
    this.#bar.hidden = false;
    this.#board.toggleAttribute("data-replaying", true);
    this.#board.zoom.fit();
    this.seek(0);
    this.toggle();
  }

  stop() {
    cancelAnimationFrame(this.#frame);
    this.#isRunning = false;
    this.#bar.hidden = true;
    this.#board.toggleAttribute("data-replaying", false);
    this.#board.painter.show(null);
  }

  toggle() {
    this.#isRunning = !this.#isRunning;
    if (this.#isRunning && this.#at >= this.#events.length) this.#at = 0;
    this.#bar.dataset.state = this.#isRunning ? "running" : "paused";
    this.#bar.querySelector("[data-act='replay-toggle']").setAttribute("aria-label", this.#isRunning ? gettext("Pause") : gettext("Play"));
    this.#last = performance.now();
    if (this.#isRunning) this.#frame = requestAnimationFrame((now) => this.#run(now));
  }

  /** To a step of the slider. */
  seek(step) {
    this.#at = (step / STEPS) * this.#events.length;
    this.#show();
  }

  #run(now) {
    const pace = Math.min(this.#events.length / SECONDS, 1 / LEAST); // events a second
    this.#at = Math.min(this.#events.length, this.#at + ((now - this.#last) / 1_000) * pace);
    this.#last = now;
    this.#slider.value = (this.#at / this.#events.length) * STEPS;
    this.#show();
    if (this.#at >= this.#events.length) this.toggle();
    else if (this.#isRunning) this.#frame = requestAnimationFrame((time) => this.#run(time));
  }

  #show() {
    const whole = Math.floor(this.#at);
    const gone = new Set(this.#events.slice(0, whole).filter(({ isErased }) => isErased).map(({ each }) => each));
    const here = this.#events.slice(0, whole).filter(({ isErased, each }) => !isErased && !gone.has(each));
    this.items = here.map(({ each }) => each);
    const next = this.#events[whole];
    if (next && !next.isErased) this.items.push({ shape: begun(next.each.shape, this.#at - whole) });
    this.#board.painter.show(this);
  }
}

/** A stroke as far as it has come. */
function begun(shape, share) {
  const count = Math.max(1, Math.round((shape.points.length / 3) * share));
  if (shape.kind > 2) return share > 0.5 ? shape : null;
  return { ...shape, points: shape.points.subarray(0, count * 3), path: null, outline: null };
}
