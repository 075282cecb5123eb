import { Backlog } from "./backlog.js";
import { problem } from "./fallback.js";
import { Lanes } from "./lanes.js";
import { Route } from "./route.js";
import { uuid } from "./uuid.js";
import { format, gettext } from "./words.js";

const LIMIT = 500; // entries; who queues more should see that nothing goes out
const RETRIED = new Set(["retry_later", "rate_limited"]);

/** Durable commands on their way. An entry leaves by an ack or by a person's discard, never by itself. */
export class Outbox {
  /** The largest command, in bytes; the server's hello may change it. */
  frameBytes = 65_536;

  #clock;
  #link;
  #backlog;
  #route;
  #lanes;

  /** `link` has send(frame), connect(), check() and report(name, detail); `person` is told to the backlog. */
  constructor({ clock, times, link, ...person }) {
    this.#clock = clock;
    this.#link = link;
    this.#backlog = new Backlog({ clock, times, ...person, onChange: (inherited) => this.#resume(inherited) });
    this.#route = new Route({ clock, times, onImpatient: () => this.#lanes.each((lane) => lane.pump()) });
    this.#lanes = new Lanes({
      clock,
      times,
      backlog: this.#backlog,
      outbox: {
        route: (entry) => (this.#backlog.isReady ? this.#route.choose(entry.sends ?? 0) : null),
        send: (entry) => this.#send(entry),
        doubt: () => link.check(),
        answered: (entry, frame) => this.#answered(entry, frame),
      },
    });
  }

  /** See `Client.outbox`. */
  list(feed) {
    const entries = this.#backlog.entries.filter((entry) => feed === undefined || entry.command.feed === feed);
    return entries.map((entry) => {
      const { client_id, command, error } = entry;
      return { client_id, command, error, state: this.#lanes.of(entry).stateOf(entry) };
    });
  }

  /** See `Client.post`. */
  post(draft, { fallback } = {}) {
    const client_id = draft.client_id ?? uuid();
    if (this.#backlog.find(client_id)) return client_id;
    const text = JSON.stringify({ ...draft, client_id });
    const command = JSON.parse(text); // what is sent later is what was meant now
    const objection = this.#objectionTo(text);
    // Later, so that the caller knows the client_id by then.
    if (objection) queueMicrotask(() => this.#report("failed", { client_id, command }, { error: objection, kept: false }));
    else this.#start(this.#backlog.add(command, fallback));
    return client_id;
  }

  /** Sends a failed command once more. */
  retry(clientId) {
    const entry = this.#backlog.find(clientId);
    if (!entry?.error) return false;
    entry.error = undefined;
    this.#backlog.save(entry);
    this.#start(entry);
    return true;
  }

  /** Forgets a command. If it is on its way, it may arrive all the same. */
  discard(clientId) {
    const entry = this.#backlog.find(clientId);
    if (!entry) return false;
    this.#backlog.remove(entry);
    this.#report("discarded", entry);
    this.#lanes.of(entry).finish(entry);
    return true;
  }

  acked(frame) {
    const entry = this.#backlog.find(frame.client_id);
    if (!entry) return;
    this.#backlog.remove(entry);
    this.#report("acked", entry, { ack: frame });
    this.#lanes.of(entry).finish(entry);
  }

  refused(frame, entry = this.#backlog.find(frame.client_id)) {
    if (!entry || entry.error) return;
    if (RETRIED.has(frame.code)) {
      const wait = this.#lanes.of(entry).hold(frame.retry_after);
      this.#report("delayed", entry, { error: frame, retry_in: wait / 1000, retry_at: this.#clock.now() + wait });
    } else {
      entry.error = frame;
      this.#backlog.save(entry);
      this.#report("failed", entry, { error: frame, kept: true });
      this.#lanes.of(entry).finish(entry);
    }
  }

  /** The connection has become `status`. */
  follow(status) {
    this.#route.follow(status);
    this.#lanes.each((lane) => (status === "live" ? lane.socketOpened() : lane.socketLost()));
  }

  suspend() {
    this.#backlog.suspend();
    this.#lanes.each((lane) => lane.stop());
  }

  wake() {
    for (const entry of this.#backlog.wake()) {
      const { client_id, command } = entry;
      this.#report("acked", entry, { ack: { type: "realtime.ack", client_id, feed: command.feed } });
    }
    this.#resume([]);
  }

  #start(entry) {
    this.#report("queued", entry, { restored: false, stored: entry.isStored });
    this.#link.connect();
    this.#route.hope();
    this.#lanes.of(entry).pump();
  }

  #resume(inherited) {
    for (const entry of inherited) {
      this.#report("queued", entry, { restored: true, stored: true });
      if (entry.error) this.#report("failed", entry, { error: entry.error, kept: true });
    }
    const waiting = this.#backlog.entries.filter((entry) => !entry.error);
    if (waiting.length) this.#link.connect();
    for (const entry of waiting) this.#lanes.of(entry).pump();
  }

  #objectionTo(text) {
    if (this.#backlog.entries.length >= LIMIT) return problem("outbox_full", gettext("Too much is waiting to be sent."));
    const isTooLong = new TextEncoder().encode(text).length > this.frameBytes;
    return isTooLong ? problem("too_long", format(gettext("This is longer than %(bytes)s bytes."), { bytes: this.frameBytes })) : null;
  }

  #answered(entry, frame) {
    if (frame.type === "realtime.ack") this.acked(frame);
    else this.refused(frame, entry);
  }

  #send(entry) {
    entry.sends = (entry.sends ?? 0) + 1;
    this.#link.send(entry.command);
  }

  #report(name, { client_id, command }, more) {
    this.#link.report(name, { client_id, command, ...more });
  }
}
