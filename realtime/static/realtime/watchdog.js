const TIMES = {
  ping: 15_000, // ms between pings, give or take a fifth, so that the tabs of a room do not ping in step
  silence: 45_000, // ms without any frame, and the socket is dead whatever the browser says
  check: 5_000, // ms to answer when there is reason to doubt: the network changed, the laptop woke up
};

/**
 * Notices a socket that is open and dead: a network that went away fires no event. Patience starts with a ping, not
 * with the last frame, because browsers slow the timers of hidden tabs down to one a minute.
 */
export class Watchdog {
  #clock;
  #times;
  #every;
  #ping;
  #onSilence;
  #cancelPing = () => {};
  #cancelDeadline = null;

  constructor({ clock, times, ping, onSilence }) {
    this.#clock = clock;
    this.#times = { ...TIMES, ...times };
    this.#ping = ping;
    this.#onSilence = onSilence;
  }

  /** `every` milliseconds, when the server asks for another rhythm than ours. */
  start(every = this.#times.ping) {
    this.stop();
    this.#every = every;
    this.#pingLater();
  }

  stop() {
    this.#cancelPing();
    this.heard();
  }

  /** Any frame is a sign of life. */
  heard() {
    this.#cancelDeadline?.();
    this.#cancelDeadline = null;
  }

  /** Asks at once, and with little patience. */
  check() {
    this.heard();
    this.#ask(this.#times.check);
  }

  #pingLater() {
    const jitter = 0.8 + 0.4 * this.#clock.random();
    this.#cancelPing = this.#clock.after(this.#every * jitter, () => {
      this.#ask(Math.max(this.#times.silence - this.#every, 0));
      this.#pingLater();
    });
  }

  #ask(patience) {
    this.#ping();
    this.#cancelDeadline ??= this.#clock.after(patience, () => {
      this.stop();
      this.#onSilence();
    });
  }
}
