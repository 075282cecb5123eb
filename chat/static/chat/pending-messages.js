/* What was said and is not in the conversation yet: on its way, waiting, or refused with the reason. */
import { socket } from "../realtime/socket.js";
import { format, gettext, ngettext } from "../realtime/words.js";
import { template } from "./page.js";

class PendingMessages extends HTMLElement {
  #controller;
  #bubbles = new Map(); // client id: {element, timer}

  connectedCallback() {
    this.#controller = new AbortController();
    const { signal } = this.#controller;
    for (const name of ["queued", "acked", "delayed", "failed", "discarded"]) {
      socket.addEventListener(name, ({ detail }) => this.#isOurs(detail) && this[`on_${name}`](detail), { signal });
    }
    this.addEventListener("click", (event) => this.#clicked(event), { signal });
    // The rest of the page must stand before anything of ours scrolls it.
    queueMicrotask(() => socket.outbox(this.dataset.feed).forEach((entry) => this.#isOurs(entry) && this.#restore(entry)));
  }

  disconnectedCallback() {
    this.#controller.abort();
    for (const { timer } of this.#bubbles.values()) clearInterval(timer);
    this.#bubbles.clear();
    this.replaceChildren();
  }

  /** The message is in the conversation now: what stood for it goes. */
  settle(clientId) {
    const bubble = this.#bubbles.get(clientId);
    if (!bubble) return;
    clearInterval(bubble.timer);
    bubble.element.remove();
    this.#bubbles.delete(clientId);
  }

  on_queued({ client_id, command, restored }) {
    this.#show(client_id, command);
    this.#say(client_id, "sending", socket.status === "live" ? gettext("Sending…") : gettext("Waiting for the connection…"));
    if (!restored) this.closest("chat-room").log.followEnd();
  }

  on_acked({ client_id, ack }) {
    if (!ack.id || document.getElementById(`message-${ack.id}`)) this.settle(client_id);
    else this.#say(client_id, "sent", "");
  }

  on_delayed({ client_id, retry_at }) {
    this.#countDown(client_id, retry_at, (seconds) => {
      this.#say(client_id, "sending", format(gettext("Too fast: sending in %(seconds)s s"), { seconds }));
    });
  }

  on_failed({ client_id, command, error }) {
    this.#show(client_id, command);
    this.#say(client_id, "failed", error.message);
    if (error.code !== "slow_mode" || !error.retry_after) return;
    const retryAt = Date.now() + error.retry_after * 1000;
    this.#countDown(client_id, retryAt, (seconds) => {
      this.#say(client_id, "failed", format(gettext("Slow mode: sending in %(seconds)s s"), { seconds }));
      if (seconds <= 0) socket.retry(client_id);
    });
  }

  on_discarded({ client_id }) {
    this.settle(client_id);
  }

  #isOurs({ command }) {
    return command.feed === this.dataset.feed && command.type === "chat.message.post";
  }

  #restore({ client_id, command, state, error }) {
    this.#show(client_id, command);
    if (state === "failed") this.on_failed({ client_id, command, error });
    else this.#say(client_id, "sending", gettext("Sending…"));
  }

  #show(clientId, command) {
    if (this.#bubbles.has(clientId)) return;
    const element = template("pending");
    element.dataset.clientId = clientId;
    const files = command.attachments?.length ?? 0;
    const count = format(ngettext("%(n)s file", "%(n)s files", files), { n: files });
    element.querySelector(".message__body > p").textContent = command.body || count;
    this.append(element);
    this.#bubbles.set(clientId, { element });
  }

  #say(clientId, state, words) {
    const bubble = this.#bubbles.get(clientId);
    if (!bubble) return;
    const isFailed = state === "failed";
    bubble.element.dataset.state = state;
    bubble.element.querySelector(".message__state").textContent = isFailed ? gettext("Not sent") : words;
    bubble.element.querySelector(".message__failure").hidden = !isFailed;
    if (isFailed) bubble.element.querySelector(".message__reason").textContent = words;
  }

  /** Calls `tick(seconds left)` at once, then every second, and last with 0. */
  #countDown(clientId, until, tick) {
    const bubble = this.#bubbles.get(clientId);
    if (!bubble) return;
    clearInterval(bubble.timer);
    const step = () => {
      const seconds = Math.max(0, Math.ceil((until - Date.now()) / 1000));
      if (seconds === 0) clearInterval(bubble.timer);
      tick(seconds);
    };
    bubble.timer = setInterval(step, 1000);
    step();
  }

  #clicked(event) {
    const act = event.target.closest("[data-act]")?.dataset.act;
    const clientId = event.target.closest("[data-client-id]")?.dataset.clientId;
    if (act === "retry") socket.retry(clientId);
    if (act === "discard") socket.discard(clientId);
  }
}

customElements.define("pending-messages", PendingMessages);
