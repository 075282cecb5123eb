/* `<run-progress>`: one piece of long work, live. Its owner's feed tells how far it is. */
import { socket } from "../realtime/socket.js";
import { gettext, language } from "../realtime/words.js";

const FACTS = ["status", "position", "created", "changed", "same", "failed", "message"];
const STATUSES = {
  waiting: gettext("waiting"),
  running: gettext("running"),
  done: gettext("done"),
  failed: gettext("failed"),
  cancelled: gettext("cancelled"),
};
const OVER = new Set(["done", "failed", "cancelled"]);

class RunProgress extends HTMLElement {
  #feed;

  connectedCallback() {
    if (OVER.has(this.dataset.status)) return;
    const { watch, rev, epoch } = this.dataset; // not data-feed: the bell would leave its alerts to us
    this.#feed = socket.join(watch, {
      rev: Number(rev),
      epoch,
      onEvent: ({ events }) => events.forEach((event) => event.type === "run" && this.#follow(event)),
      onReset: () => location.reload(),
    });
  }

  disconnectedCallback() {
    this.#feed?.leave();
  }

  #follow(event) {
    if (event.id !== Number(this.dataset.run)) return;
    this.dataset.status = event.status;
    this.querySelector("progress").value = event.percent;
    for (const fact of FACTS) {
      const place = this.querySelector(`[data-fact="${fact}"]`);
      if (place) place.textContent = said(fact, event[fact]);
    }
    if (!OVER.has(event.status)) return;
    document.querySelector("[data-while-running]")?.remove();
    if (event.failed && location.pathname.includes(`/runs/${event.id}/`)) location.reload(); // for the reasons
  }
}

function said(fact, value) {
  if (fact === "status") return STATUSES[value];
  return typeof value === "number" ? value.toLocaleString(language) : value;
}

customElements.define("run-progress", RunProgress);
