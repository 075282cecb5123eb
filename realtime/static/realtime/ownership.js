/**
 * Decides which tab sends what is stored. Every document holds a Web Lock in its own name for as long as it lives; the
 * browser lets go of it even after a crash. Who gets the lock of another document knows that it is gone, and inherits.
 * Where there are no locks (plain http on a network) everybody inherits at once: some commands may then be sent twice,
 * and the server stores them once.
 */
export class Ownership {
  #prefix;
  #locks;
  #controllers = new Map();

  constructor(prefix, locks) {
    this.#prefix = prefix;
    this.#locks = locks;
  }

  /** Calls `onHeld` when `owner` is ours; that is now, or when the document of that name is gone, or never. */
  claim(owner, onHeld = () => {}) {
    if (this.#controllers.has(owner)) return;
    const controller = new AbortController();
    this.#controllers.set(owner, controller);
    if (!this.#locks) return queueMicrotask(onHeld);
    const hold = () => {
      onHeld();
      return new Promise((release) => controller.signal.addEventListener("abort", release));
    };
    const { signal } = controller;
    this.#locks.request(this.#prefix + owner, { signal }, hold).catch((error) => {
      if (!signal.aborted) reportError(error);
    });
  }

  /** A page that goes to sleep must let others send what it leaves. */
  releaseAll() {
    for (const controller of this.#controllers.values()) controller.abort();
    this.#controllers.clear();
  }
}
