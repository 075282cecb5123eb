import { parse } from "./frame.js";
import { FINAL, Retry } from "./retry.js";
import { Watchdog } from "./watchdog.js";

const HELLO = 10_000; // ms from opening to the server's first word

/**
 * One WebSocket that is opened again whenever it is lost, and says how it is: "idle" until somebody needs it, then
 * "connecting", "live", "reconnecting", "offline", or "stopped" with the `reason`; "none" on a page whose server has no sockets.
 */
export class Connection {
  status = "idle";
  reason = "";
  /** When the next attempt is due, in milliseconds since 1970; null when none is planned. */
  retryAt = null;

  #url;
  #clock;
  #helloTime;
  #retry;
  #watchdog;
  #listener;
  #socket = null;
  #cancelTimer = () => {};
  #liveSince = null;
  #isFirstAttempt = true;

  /**
   * `listener` has onOpen(), onHello(frame) (returns why this server is not ours, or ""), onFrame(frame), onStatus(), and
   * onBytes(buffer) where the server sends binary frames too.
   */
  constructor(url, { clock, times, listener }) {
    this.#url = url;
    this.#clock = clock;
    this.#helloTime = times?.hello ?? HELLO;
    this.#retry = new Retry({ clock, times });
    this.#watchdog = new Watchdog({
      clock,
      times,
      ping: () => this.send({ type: "realtime.ping" }),
      onSilence: () => this.#abandon(),
    });
    this.#listener = listener;
  }

  /** Opens at once, unless it is open, being opened, or stopped for good. */
  connect() {
    if (this.#socket || this.status === "stopped") return;
    if (!this.#url) return this.#become("none");
    this.#planNothing();
    this.#socket = new WebSocket(this.#url);
    this.#socket.binaryType = "arraybuffer";
    this.#socket.onopen = () => this.#listener.onOpen();
    this.#socket.onmessage = (event) => this.#receive(event.data);
    this.#socket.onclose = (event) => this.#lost(event.code);
    this.#cancelTimer = this.#clock.after(this.#helloTime, () => this.#abandon());
    this.#become(this.#absence());
    this.#isFirstAttempt = false;
  }

  /** Whether the frame, or the bytes, were handed to an open socket. That is no promise that they arrive. */
  send(frame) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(ArrayBuffer.isView(frame) ? frame : JSON.stringify(frame));
    return true;
  }

  /** Something changed around us. Is the socket alive? If it waits to be opened again, the moment may be now. */
  check() {
    if (this.status === "live") this.#watchdog.check();
    else if (this.retryAt === null) return;
    else if (navigator.onLine) this.connect();
    else this.#become("offline");
  }

  /** Closes in good order: the page goes, perhaps only to sleep in the back-forward cache. */
  suspend() {
    if (["idle", "stopped", "none"].includes(this.status)) return;
    this.#planNothing();
    this.#drop(1000);
    this.#become(this.#absence());
  }

  resume() {
    if (this.status !== "idle") this.connect();
  }

  /** For good, and says why. */
  stop(reason) {
    this.#planNothing();
    this.#drop(1000);
    this.reason = reason;
    this.#become("stopped");
  }

  #receive(data) {
    this.#watchdog.heard();
    if (typeof data !== "string") return this.#listener.onBytes?.(data);
    const frame = parse(data);
    if (!frame) return;
    if (frame.type === "realtime.hello") this.#greet(frame);
    else if (frame.type === "realtime.bye") this.#retry.heardBye(frame);
    if (this.#socket) this.#listener.onFrame(frame); // a hello may have stopped us
  }

  #greet(hello) {
    const objection = this.#listener.onHello(hello);
    if (objection) return this.stop(objection);
    this.#planNothing();
    this.#liveSince = this.#clock.now();
    this.#watchdog.start(hello.heartbeat > 0 ? hello.heartbeat * 1000 : undefined);
    this.#become("live");
  }

  /** A socket on a dead network reports its end minutes later, so we do not wait for that. */
  #abandon() {
    this.#drop();
    this.#lost();
  }

  #drop(code) {
    this.#watchdog.stop();
    if (!this.#socket) return;
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close(code);
    this.#socket = null;
  }

  #lost(code) {
    this.#drop();
    if (FINAL[code]) return this.stop(FINAL[code]);
    const lived = this.status === "live" ? this.#clock.now() - this.#liveSince : 0;
    const wait = this.#retry.after(code, lived);
    this.#planNothing();
    this.#cancelTimer = this.#clock.after(wait, () => this.connect());
    this.retryAt = this.#clock.now() + wait;
    this.#become(this.#absence());
  }

  #planNothing() {
    this.#cancelTimer();
    this.retryAt = null;
  }

  /** The word for not being live. A browser may be wrong about being offline (localhost), so we try all the same. */
  #absence() {
    if (!navigator.onLine) return "offline";
    return this.#isFirstAttempt ? "connecting" : "reconnecting";
  }

  #become(status) {
    if (status === this.status) return;
    this.status = status;
    this.#listener.onStatus(status);
  }
}
