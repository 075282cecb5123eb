import { Lane } from "./lane.js";

/** The lanes of all feeds: what waits in one holds up no other. */
export class Lanes {
  #lanes = new Map(); // by feed
  #settings;
  #backlog;

  constructor({ backlog, ...settings }) {
    this.#backlog = backlog;
    this.#settings = settings;
  }

  of({ command: { feed } }) {
    if (!this.#lanes.has(feed)) {
      const next = () => this.#backlog.entries.find((entry) => entry.command.feed === feed && !entry.error);
      this.#lanes.set(feed, new Lane({ ...this.#settings, next }));
    }
    return this.#lanes.get(feed);
  }

  each(act) {
    for (const lane of this.#lanes.values()) act(lane);
  }
}
