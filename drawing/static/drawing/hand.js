/*
 * Fingers, pens and mice on the board. One pointer draws; two fingers move and zoom; the wheel moves, with Ctrl it zooms; the
 * middle button, or Space, moves. Once a pen has been seen, fingers only move the board; while it is down they do nothing at all:
 * they are the hand that holds it.
 */
const PINCH = 250; // ms; a second finger that comes so soon means that the first one was not meant to draw
const PEN_SECONDS = 60; // how long a pen counts as being used
const EDGE = 999_000; // px of the board from its middle; the server takes 1,000,000
const WHEEL = 0.0022; // of zoom for each pixel that the wheel turns

export class Hand {
  #stage;
  #view;
  #tools;
  #pointers = new Map(); // by id: where each is on the screen
  #drawing = null; // the id of the pointer that draws
  #moving = null;
  #pinch = null;
  #began = 0;
  #pen = null; // the id of the pen that is down
  #penAt = -Infinity;
  isSpaceDown = false;

  /** `tools` has down(point), move(points), up(), cancel(), hover(point), cursor; points have x, y (of the board), pressure, and the event. */
  constructor({ stage, view, tools, signal }) {
    this.#stage = stage;
    this.#view = view;
    this.#tools = tools;
    const on = (name, handler, options) => stage.addEventListener(name, handler, { signal, ...options });
    on("pointerdown", (event) => this.#down(event));
    on("pointermove", (event) => this.#move(event));
    on("pointerup", (event) => this.#up(event));
    on("pointercancel", (event) => this.#up(event, true));
    on("pointerleave", () => this.#tools.leave());
    on("contextmenu", (event) => event.preventDefault());
    on("wheel", (event) => this.#wheel(event), { passive: false });
    on("dblclick", (event) => this.#tools.doubleClick(this.#point(event)));
  }

  get isBusy() {
    return this.#drawing !== null || this.#moving !== null;
  }

  #down(event) {
    if (event.button > 1 || event.target.closest("button, input, textarea, a, form, dialog")) return;
    event.preventDefault();
    if (event.pointerType === "touch" && this.#pen !== null) return;
    this.#stage.focus({ preventScroll: true });
    this.#stage.setPointerCapture(event.pointerId);
    if (event.pointerType === "pen") this.#takePen(event.pointerId);
    this.#pointers.set(event.pointerId, this.#at(event));
    if (this.#pointers.size === 2) return this.#startPinch();
    if (this.#pointers.size > 2) return;
    const isBesidePen = event.pointerType === "touch" && performance.now() - this.#penAt < PEN_SECONDS * 1000;
    if (event.button === 1 || this.isSpaceDown || isBesidePen || this.#tools.isHand) {
      this.#moving = event.pointerId;
      this.#stage.dataset.moving = "";
      return;
    }
    this.#drawing = event.pointerId;
    this.#began = performance.now();
    this.#tools.down(this.#point(event));
  }

  /** What was on the board before it was the palm: what that drew was not meant. */
  #takePen(id) {
    this.#pen = id;
    this.#penAt = performance.now();
    if (this.#drawing !== null) this.#tools.cancel();
    this.#drawing = this.#moving = this.#pinch = null;
    delete this.#stage.dataset.moving;
    this.#pointers.clear();
  }

  #move(event) {
    if (event.pointerType === "pen") this.#penAt = performance.now(); // also before it touches: the palm comes first
    const before = this.#pointers.get(event.pointerId);
    const at = this.#at(event);
    if (before) this.#pointers.set(event.pointerId, at);
    if (this.#pinch) return this.#continuePinch();
    if (event.pointerId === this.#moving) return this.#view.pan(at.x - before.x, at.y - before.y);
    if (event.pointerId === this.#drawing) {
      // All that happened since the last frame; a page that is not secure (http on a network) is told the last one only.
      const events = event.getCoalescedEvents?.() ?? [];
      return this.#tools.move((events.length ? events : [event]).map((each) => this.#point(each)));
    }
    if (!before && event.pointerType !== "touch") this.#tools.hover(this.#point(event));
  }

  #up(event, isCancelled = false) {
    if (!this.#pointers.delete(event.pointerId)) return;
    if (event.pointerId === this.#drawing) {
      this.#drawing = null;
      if (isCancelled) this.#tools.cancel();
      else this.#tools.up(this.#point(event));
    }
    if (event.pointerId === this.#moving) this.#moving = null;
    if (event.pointerId === this.#pen) this.#pen = null;
    if (this.#pointers.size < 2) this.#pinch = null;
    if (this.#moving === null) delete this.#stage.dataset.moving;
  }

  /** The first finger had begun something: if that was just now, it was not meant. */
  #startPinch() {
    if (this.#drawing !== null) {
      if (performance.now() - this.#began < PINCH) this.#tools.cancel();
      else this.#tools.up();
    }
    this.#drawing = this.#moving = null;
    this.#pinch = this.#span();
  }

  #continuePinch() {
    const now = this.#span();
    this.#view.pan(now.x - this.#pinch.x, now.y - this.#pinch.y);
    this.#view.zoomBy(now.size / this.#pinch.size, now);
    this.#pinch = now;
  }

  #span() {
    const [one, other] = [...this.#pointers.values()];
    return { x: (one.x + other.x) / 2, y: (one.y + other.y) / 2, size: Math.max(Math.hypot(one.x - other.x, one.y - other.y), 1) };
  }

  #wheel(event) {
    event.preventDefault();
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    const at = this.#at(event);
    if (event.ctrlKey || event.metaKey) this.#view.zoomBy(Math.exp(-event.deltaY * unit * WHEEL * (event.ctrlKey ? 3 : 1)), at);
    else if (event.shiftKey && !event.deltaX) this.#view.pan(-event.deltaY * unit, 0);
    else this.#view.pan(-event.deltaX * unit, -event.deltaY * unit);
    this.#tools.hover(this.#point(event));
  }

  #at(event) {
    const { left, top } = this.#stage.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  }

  #point(event) {
    const at = this.#at(event);
    const { x, y } = this.#view.toBoard(at.x, at.y);
    return { x: withinEdge(x), y: withinEdge(y), pressure: event.pressure ?? 0.5, type: event.pointerType, event };
  }
}

const withinEdge = (value) => Math.max(-EDGE, Math.min(EDGE, value));
