const SENDS = 3; // by socket without an answer, then by HTTP: perhaps this command is what breaks the socket
const SOCKET = 10_000; // ms to hope for a socket, then HTTP is tried

/** Which way commands go: by the socket, over HTTP when there has been none for a while, or nowhere yet. */
export class Route {
  #clock;
  #patience;
  #onImpatient;
  #status = "idle";
  #isPatient = true;
  #cancelTimer = null;

  constructor({ clock, times, onImpatient }) {
    this.#clock = clock;
    this.#patience = times?.socket ?? SOCKET;
    this.#onImpatient = onImpatient;
  }

  /** The connection has become `status`. */
  follow(status) {
    this.#status = status;
    if (status !== "live") return this.hope();
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    this.#isPatient = true;
  }

  /** Something waits for the socket; not for ever. */
  hope() {
    if (this.#status === "live" || this.#status === "none" || !this.#isPatient) return;
    this.#cancelTimer ??= this.#clock.after(this.#patience, () => {
      this.#isPatient = false;
      this.#onImpatient();
    });
  }

  /** "socket", "http" or null, for an entry that was sent by socket `sends` times already. */
  choose(sends) {
    if (this.#status === "none") return "http";
    const isLive = this.#status === "live";
    if (isLive && sends < SENDS) return "socket";
    const isHopeless = this.#status === "stopped" || this.#status === "offline";
    return isLive || (!this.#isPatient && !isHopeless) ? "http" : null;
  }
}
