/*
 * What the server tells this page, and what the page has: always the same box, somewhat larger than the window. To widen it, the
 * server is told first and asked after, so that nothing can happen between the two; to narrow it, it is only told. At first the
 * page reads, and joins the feed at the revision that it has read: no round trip is waited for before there is something to see.
 */
const MARGIN = 0.5; // of the window, on each side
const NARROWER = 8; // times smaller than what we have: then it is worth telling
const PATIENCE = 5_000; // ms for the socket to answer
const AGAIN = 3_000; // ms after a failure

export class Viewport extends EventTarget {
  #socket;
  #feed;
  #url;
  #store;
  #onEvent;
  #subscription = null;
  #loaded = null; // the box that the store is complete for
  #wanted = null;
  #query = "";
  #loading = null;
  #since = []; // what came while we asked
  #retry = null;

  /** `feed` is the map's; `url` gives its incidents in columns; `onEvent` is called with each event of the map and its revision, in order. */
  constructor({ socket, feed, url, store, onEvent }) {
    super();
    this.#socket = socket;
    this.#feed = feed;
    this.#url = url;
    this.#store = store;
    this.#onEvent = onEvent;
  }

  end() {
    this.#loading?.abort();
    clearTimeout(this.#retry);
    this.#subscription?.leave();
  }

  /** The window shows this box now. */
  show(box) {
    this.#wanted = box;
    if (!this.#loaded?.covers(box)) return this.#load();
    if (box.padded(MARGIN).size * NARROWER < this.#loaded.size) this.#narrow(box.padded(MARGIN));
  }

  /** Only what has these words. */
  search(text) {
    this.#query = text.trim();
    this.#store.setWords(this.#query);
    return this.#load();
  }

  async #load() {
    clearTimeout(this.#retry);
    this.#loading?.abort();
    const { signal } = (this.#loading = new AbortController());
    const box = this.#wanted.padded(MARGIN);
    this.#since = [];
    try {
      if (this.#subscription) await this.#tell(box);
      const points = signal.aborted ? null : await this.#fetch(box, signal);
      return points && this.#take(box, points);
    } catch (error) {
      if (signal.aborted) return;
      this.#loading = null;
      this.#retry = setTimeout(() => this.#load(), AGAIN);
      console.warn("The map could not be read; trying again.", error);
    }
  }

  #take(box, points) {
    this.#loaded = box;
    this.#loading = null;
    this.#store.replace(points);
    for (const { rev, events } of this.#since) if (rev > points.rev) for (const event of events) this.#store.apply(event);
    this.#join(points);
    this.dispatchEvent(new CustomEvent("loaded", { detail: points }));
    return { rev: points.rev };
  }

  #join({ rev, epoch }) {
    this.#subscription ??= this.#socket.join(this.#feed, {
      rev,
      epoch,
      onEvent: (frame) => frame.events && this.#receive(frame),
      // Live for the first time, or again: the server does not know what we see, and tells us everything until it does.
      onLive: () => this.#loaded && this.#tell(this.#loaded).catch(() => {}),
      onReset: () => {
        this.dispatchEvent(new Event("reset")); // the feed has more than incidents
        return this.#load();
      },
      onRefused: () => this.dispatchEvent(new Event("refused")),
    });
  }

  #receive({ rev, events }) {
    if (this.#loading) this.#since.push({ rev, events });
    for (const event of events) this.#onEvent(event, rev);
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
