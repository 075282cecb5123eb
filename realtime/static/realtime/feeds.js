import { Feed } from "./feed.js";
import { safely } from "./safely.js";

const VERSION = 1; // of the protocol
const LIMIT = 300; // feeds that a socket may follow or watch; more heads than fit are not watched

/** Which frames carry news of a feed, and what they do to it. */
const NEWS = {
  "realtime.feed.live": (feed, frame) => feed.live(frame),
  "realtime.feed.reset": (feed, frame) => feed.reset(frame),
  "realtime.feed.head": (feed, frame) => feed.head(frame),
  "realtime.presence.snapshot": (feed, frame) => feed.presence(frame),
  "realtime.presence.changed": (feed, frame) => feed.presence(frame),
};

/** All feeds of this tab. */
export class Feeds {
  #feeds = new Map();
  #watchers = new Set();
  #send;

  /** `send` hands a frame to the socket if it is open. */
  constructor(send) {
    this.#send = send;
  }

  /** The first frame of every connection: where we are. */
  resumeFrame() {
    const feeds = {};
    for (const [name, feed] of this.#feeds) {
      feeds[name] = feed.cursor;
      feed.isLive = false;
    }
    return { type: "realtime.feeds.resume", version: VERSION, feeds, heads: this.#watchedNames() };
  }

  /** See `Client.join`. A later part of the page asks for its own place, and for who is here, by joining once more. */
  join(name, { rev = null, epoch = "", ...handlers }) {
    let feed = this.#feeds.get(name);
    if (!feed) this.#feeds.set(name, (feed = new Feed({ rev, epoch })));
    const onLeave = (subscription) => this.#leave(name, feed, subscription);
    feed.isLive = false;
    const subscription = feed.add(name, { rev, onLeave, ...handlers });
    this.#send({ type: "realtime.feed.join", feed: name, rev, epoch: epoch || feed.epoch });
    return subscription;
  }

  /** See `Client.watchHeads`. The server is always told the whole list. */
  watchHeads(names, onHead) {
    const watcher = { names: new Set(names), onHead };
    this.#watchers.add(watcher);
    this.#sendHeads();
    return () => this.#watchers.delete(watcher) && this.#sendHeads();
  }

  isLive(name) {
    return this.#feeds.get(name)?.isLive ?? false;
  }

  /** Whether the rest of the page should see this frame: not when it is old, or of a feed that we left. */
  receive(frame) {
    const isDurable = "rev" in frame;
    if (isDurable && !Number.isInteger(frame.rev)) return false;
    const feed = this.#feeds.get(frame.feed);
    if (frame.type === "realtime.feed.refused") this.#refuse(frame, feed);
    if (frame.type === "realtime.feed.head") this.#tellWatchers(frame);
    if (frame.type.startsWith("realtime.")) {
      if (feed) NEWS[frame.type]?.(feed, frame);
      return true;
    }
    return feed ? feed.event(frame) : !isDurable;
  }

  #leave(name, feed, subscription) {
    if (feed.remove(subscription) || this.#feeds.get(name) !== feed) return;
    this.#feeds.delete(name);
    this.#send({ type: "realtime.feed.leave", feed: name });
  }

  /** Asking again on every reconnect would not change the answer. */
  #refuse(frame, feed) {
    this.#feeds.delete(frame.feed);
    for (const watcher of this.#watchers) watcher.names.delete(frame.feed);
    feed?.refused(frame);
  }

  #tellWatchers(frame) {
    for (const watcher of [...this.#watchers]) {
      if (watcher.names.has(frame.feed)) safely(watcher.onHead, frame);
    }
  }

  #watchedNames() {
    const names = new Set([...this.#watchers].flatMap((watcher) => [...watcher.names]));
    return [...names].slice(0, LIMIT - this.#feeds.size);
  }

  #sendHeads() {
    this.#send({ type: "realtime.heads.watch", feeds: this.#watchedNames() });
  }
}
