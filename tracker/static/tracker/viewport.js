/*
 * What the server tells this page, and what the page has: always the same box, somewhat larger than the window. To widen it, the
 * server is told first and asked after, so that nothing can happen between the two; to narrow it, it is only told.
 */
const MARGIN = 0.5; // of the window, on each side
const NARROWER = 8; // times smaller than what we have: then it is worth telling
const PATIENCE = 5_000; // ms for the socket to answer

export class Viewport extends EventTarget {
  #socket;
  #feed;
  #url;
  #store;
  #loaded = null; // the box that the store is complete for
  #wanted = null;
  #query = "";
  #loading = null;
  #since = []; // events that came while we asked
  #isLive = false;

  constructor({ socket, feed, url, store }) {
    super();
    this.#socket = socket;
    this.#feed = feed;
    this.#url = url;
    this.#store = store;
  }

  /** The window shows this box now. */
  show(box) {
    this.#wanted = box;
    if (!this.#loaded || !this.#loaded.covers(box)) return this.#load();
    if (box.padded(MARGIN).size * NARROWER < this.#loaded.size) this.#narrow(box.padded(MARGIN));
  }

  /** Only what has these words. */
  search(text) {
    this.#query = text.trim();
    this.#store.setWords(this.#query);
    return this.#load();
  }

  /** The feed is live, for the first time or again: the server has forgotten what we see. */
  live() {
    this.#isLive = true;
    if (!this.#loaded) return this.#load();
    this.#tell(this.#loaded).catch(() => {}); // it goes on telling us everything
  }

  /** Too much was missed. Resolves when everything is fresh. */
  reset() {
    this.#loaded = null;
    return this.#load();
  }

  /** An envelope of the map; `apply` is given each event. */
  receive({ rev, events }, apply) {
    if (this.#loading) this.#since.push({ rev, events });
    for (const event of events) apply(event);
  }

  async #load() {
    if (!this.#wanted || !this.#isLive) return;
    this.#loading?.abort();
    const { signal } = (this.#loading = new AbortController());
    const box = this.#wanted.padded(MARGIN);
    this.#since = [];
    this.dispatchEvent(new Event("loading"));
    try {
      await this.#tell(box);
      if (signal.aborted) return;
      const points = await this.#fetch(box, signal);
      this.#loaded = box;
      this.#loading = null;
      this.#store.replace(points);
      for (const { rev, events } of this.#since) if (rev > points.rev) events.forEach((event) => this.#store.apply(event));
      this.dispatchEvent(new CustomEvent("loaded", { detail: points }));
      return { rev: points.rev };
    } catch (error) {
      if (signal.aborted) return;
      this.#loading = null;
      this.dispatchEvent(new CustomEvent("failed", { detail: error }));
    }
  }

  #narrow(box) {
    this.#loading?.abort();
    this.#loading = null;
    this.#loaded = box;
    this.#store.keepWithin(box);
    this.#tell(box).catch(() => {}); // it goes on telling us more
  }

  /** Resolves once the server tells us of this box; also when the socket is away: the next one starts with everything. */
  #tell(box) {
    return new Promise((resolve, reject) => {
      const bbox = box.toArray();
      const end = (how) => (off(), clearTimeout(timer), how());
      const isOurs = (frame) => frame.bbox.every((side, i) => Math.abs(side - bbox[i]) < 1e-6);
      const off = this.#socket.on("tracker.viewport.changed", (frame) => isOurs(frame) && end(resolve));
      const timer = setTimeout(() => end(() => reject(new Error("No answer about the viewport."))), PATIENCE);
      if (!this.#socket.send({ type: "tracker.viewport.set", feed: this.#feed, bbox })) end(resolve);
    });
  }

  async #fetch(box, signal) {
    const url = new URL(this.#url, location.href);
    if (!box.isAll || box.south > -85 || box.north < 85) url.searchParams.set("bbox", box.toArray().join(","));
    if (this.#query) url.searchParams.set("q", this.#query);
    const response = await fetch(url, { credentials: "same-origin", signal });
    if (!response.ok || response.redirected) throw new Error(`${url}: ${response.status}`);
    return response.json();
  }
}
