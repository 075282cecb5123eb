import { Ownership } from "./ownership.js";
import { Store } from "./store.js";
import { uuid } from "./uuid.js";

const HANDOVER = 1_000; // ms for a page to let go of what it leaves, and for a tab that lives to show that it does

/**
 * The commands this tab has to get through, oldest first, kept on disk so that they outlive it. What a tab leaves behind
 * when it goes, the next page or another tab of the same person inherits.
 */
export class Backlog {
  entries = [];
  /** Until it is known what was left behind, nothing goes out: it would overtake. */
  isReady = false;

  #clock;
  #handover;
  #store;
  #ownership;
  #onChange;
  #owner = uuid();
  #cancelHandover = () => {};
  #lastOrder = 0;
  #noticed = new Set();

  /** Calls `onChange(inherited)` when entries came in or the backlog got ready. */
  constructor({ user, storage, locks, clock, times, onChange }) {
    this.#clock = clock;
    this.#handover = times?.handover ?? HANDOVER;
    this.#store = new Store(user, storage);
    this.#ownership = new Ownership(`realtime.outbox.${user}.`, locks);
    this.#onChange = onChange;
    if (locks) addEventListener("storage", (event) => this.#noticeOther(this.#store.ownerOf(event.key)));
    this.#lookAround();
  }

  find(clientId) {
    return this.entries.find((entry) => entry.client_id === clientId);
  }

  add(command, fallback) {
    const order = Math.max(this.#clock.now(), this.#lastOrder + 1); // clocks may be set back
    const entry = { owner: this.#owner, client_id: command.client_id, order, command, fallback };
    this.#insert([entry]);
    this.save(entry);
    return entry;
  }

  save(entry) {
    entry.isStored = this.#store.put(entry);
  }

  remove(entry) {
    this.entries = this.entries.filter((other) => other !== entry);
    this.#store.remove(entry);
  }

  /** Lets go of everything that is on disk: others may live on while this page sleeps. */
  suspend() {
    this.isReady = false;
    this.#cancelHandover();
    this.#ownership.releaseAll();
  }

  /** Starts over from the disk. Returns the entries that others have got through meanwhile. */
  wake() {
    this.#owner = uuid();
    const stored = this.entries.filter((entry) => entry.isStored);
    this.entries = this.entries.filter((entry) => !entry.isStored);
    for (const entry of this.entries) entry.owner = this.#owner;
    this.#lookAround();
    return stored.filter((entry) => !this.#store.has(entry));
  }

  #lookAround() {
    this.#ownership.claim(this.#owner); // before there is anything to own, or another tab might take us for dead
    const waiting = this.#store.owners();
    const ready = () => {
      this.#cancelHandover();
      if (this.isReady) return;
      this.isReady = true;
      this.#onChange([]);
    };
    for (const owner of [...waiting]) {
      this.#ownership.claim(owner, () => {
        this.#inherit(owner);
        if (waiting.delete(owner) && waiting.size === 0) ready();
      });
    }
    if (waiting.size === 0) this.isReady = true;
    else this.#cancelHandover = this.#clock.after(this.#handover, ready);
  }

  /** Another tab has something to send. Mostly that is done in a moment; if not, we stand by in case the tab goes. */
  #noticeOther(owner) {
    if (!owner || this.#noticed.has(owner)) return;
    this.#noticed.add(owner);
    this.#clock.after(this.#handover, () => {
      this.#noticed.delete(owner);
      const isUnsent = this.#store.owners().has(owner);
      if (isUnsent && this.isReady) this.#ownership.claim(owner, () => this.#inherit(owner));
    });
  }

  #inherit(owner) {
    const inherited = this.#store.load(owner).filter((entry) => !this.find(entry.client_id));
    this.#insert(inherited);
    if (inherited.length) this.#onChange(inherited);
  }

  #insert(entries) {
    this.entries = [...this.entries, ...entries].sort((a, b) => a.order - b.order);
    this.#lastOrder = Math.max(this.#lastOrder, this.entries.at(-1)?.order ?? 0);
  }
}
