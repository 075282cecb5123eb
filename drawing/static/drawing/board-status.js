/* Whether what was drawn is stored, in words; and the small meter of what goes through the socket. */
import { format, gettext, language, ngettext } from "../realtime/words.js";

const DOUBT = 700; // ms; an ack that comes sooner is nothing to speak of
const WHY = {
  other_user: gettext("Somebody else logged in in another tab. Reload the page to go on as them."),
  logged_out: gettext("You were logged out. Reload the page to go on."),
  not_allowed: gettext("You may no longer see this board."),
  not_found: gettext("This board is not there any more."),
  bad_frames: gettext("Something went wrong. Reload the page."),
  client_too_old: gettext("There is a newer version. Reload the page."),
};

export class BoardStatus {
  #board;
  #element;
  #words;
  #banner;
  #meter;
  #timer = 0;

  constructor(board, signal) {
    this.#board = board;
    this.#element = board.querySelector(".board-status");
    this.#words = this.#element.querySelector(".connection__text");
    this.#banner = board.querySelector(".board__failed");
    this.#meter = board.querySelector(".meter");
    board.link.addEventListener("status", () => this.#show());
    board.link.addEventListener("stopped", ({ detail }) => this.#stop(detail));
    board.outbox.addEventListener("change", () => this.#showSoon());
    this.#banner.addEventListener("click", (event) => this.#decide(event.target.closest("button")), { signal });
    const timer = setInterval(() => this.#measure(), 1_000);
    signal.addEventListener("abort", () => clearInterval(timer));
    this.#show();
  }

  #showSoon() {
    this.#showFailed();
    if (this.#board.outbox.waiting === 0) return this.#show();
    this.#timer ||= setTimeout(() => this.#show(), DOUBT);
  }

  #show() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    const { link, outbox } = this.#board;
    const kept = outbox.waiting ? ` · ${format(gettext("%(count)s kept here"), { count: outbox.waiting })}` : "";
    const [state, words] = {
      idle: ["connecting", gettext("Opening…")],
      connecting: ["connecting", gettext("Connecting…")],
      live: ["live", outbox.waiting ? gettext("Saving…") : gettext("Saved")],
      reconnecting: ["reconnecting", `${gettext("Reconnecting…")}${kept}`],
      offline: ["offline", `${gettext("Offline")}${kept}`],
      stopped: ["stopped", gettext("Disconnected")],
    }[link.status === "live" && !link.isLive ? "connecting" : link.status];
    this.#element.dataset.state = state;
    document.documentElement.dataset.connection = state;
    this.#element.toggleAttribute("data-saving", state === "live" && outbox.waiting > 0);
    if (this.#words.textContent !== words) this.#words.textContent = words;
  }

  #showFailed() {
    const { failed } = this.#board.outbox;
    this.#banner.hidden = !failed.length;
    if (!failed.length) return;
    const count = failed.length;
    const words = ngettext("One thing you drew was not taken: %(why)s", "%(count)s things you drew were not taken: %(why)s", count);
    this.#banner.querySelector("p").textContent = format(words, { count, why: failed[0].refusal.message });
  }

  #decide(button) {
    if (button?.dataset.failed === "retry") this.#board.outbox.retry();
    if (button?.dataset.failed === "discard") this.#board.outbox.discard();
  }

  #stop(reason) {
    const cover = this.#board.querySelector(".board__stopped");
    cover.hidden = false;
    cover.querySelector("p").textContent = WHY[reason] ?? gettext("The connection ended. Reload the page.");
  }

  #measure() {
    const { up, down, points, framesDown, latency } = this.#board.link.meter.read();
    const parts = { up: bytes(up), down: bytes(down), points: Math.round(points), frames: Math.round(framesDown) };
    for (const [name, text] of Object.entries(parts)) this.#meter.querySelector(`[data-meter="${name}"]`).textContent = text;
    this.#meter.querySelector("[data-meter='latency']").textContent = latency === null ? "–" : Math.round(latency);
  }
}

const tenths = new Intl.NumberFormat(language, { minimumFractionDigits: 1, maximumFractionDigits: 1, useGrouping: false });
const bytes = (count) => (count < 1_000 ? `${Math.round(count)} B` : `${tenths.format(count / 1_000)} kB`);
