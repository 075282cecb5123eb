/**
 * What one person has not got through yet, on disk: one item per command, `realtime.outbox.<user>.<owner>.<client id>`,
 * so that two tabs never overwrite each other's list. The owner is the document that wrote it. Another person's
 * items, on a shared machine, have another prefix and are never read.
 */
export class Store {
  #prefix;
  #storage;

  /** Without a `user` or a `storage` nothing is kept beyond this page. */
  constructor(user, storage) {
    this.#prefix = `realtime.outbox.${user}.`;
    this.#storage = user ? storage : null;
  }

  /** Whether it is on disk. Storage can be full, or switched off; then the entry lives in memory only. */
  put(entry) {
    const { owner, client_id, order, command, fallback, error } = entry;
    try {
      this.#storage.setItem(this.#key(owner, client_id), JSON.stringify({ order, command, fallback, error }));
      return true;
    } catch {
      return false;
    }
  }

  remove({ owner, client_id }) {
    this.#storage?.removeItem(this.#key(owner, client_id));
  }

  has({ owner, client_id }) {
    return this.#storage?.getItem(this.#key(owner, client_id)) != null;
  }

  /** Every document that left something behind, or is at it now. */
  owners() {
    return new Set(this.#keys().map((key) => this.ownerOf(key)));
  }

  /** Whose item this key is; undefined for keys that are not ours. */
  ownerOf(key) {
    return key?.startsWith(this.#prefix) ? key.slice(this.#prefix.length).split(".")[0] : undefined;
  }

  /** What `owner` left, oldest first. */
  load(owner) {
    const keys = this.#keys().filter((key) => this.ownerOf(key) === owner);
    return keys.map((key) => this.#read(key, owner)).filter(Boolean).sort((a, b) => a.order - b.order);
  }

  #read(key, owner) {
    const client_id = key.slice(this.#key(owner, "").length);
    try {
      const { order, command, fallback, error } = JSON.parse(this.#storage.getItem(key));
      if (command.client_id !== client_id || !command.type || !Number.isFinite(order)) throw new TypeError("not an entry");
      return { owner, client_id, order, command, fallback, error, isStored: true };
    } catch {
      console.warn("Unreadable outbox entry dropped:", key);
      this.#storage.removeItem(key);
    }
  }

  #keys() {
    return Object.keys(this.#storage ?? {}).filter((key) => key.startsWith(this.#prefix));
  }

  #key(owner, clientId) {
    return `${this.#prefix}${owner}.${clientId}`;
  }
}

/** localStorage, or null where a browser forbids it; even looking at it may throw. */
export function openStorage() {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}
