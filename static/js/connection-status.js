/* Tells the reader whether the page is live. Sets data-connection on <html> too, so that any stylesheet can answer. */
import { socket } from "../realtime/socket.js";
import { gettext } from "../realtime/words.js";

const WORDS = {
  connecting: gettext("Connecting…"),
  live: gettext("Live"),
  reconnecting: gettext("Reconnecting…"),
  offline: gettext("Offline"),
  stopped: gettext("Disconnected"),
  none: gettext("Not live"),
};

class ConnectionStatus extends HTMLElement {
  #onStatus = (event) => this.#show(event.detail);

  connectedCallback() {
    socket.addEventListener("status", this.#onStatus);
    this.#show(socket.status ?? "connecting");
  }

  disconnectedCallback() {
    socket.removeEventListener("status", this.#onStatus);
  }

  #show(status) {
    this.dataset.state = status;
    document.documentElement.dataset.connection = status;
    const text = this.querySelector(".connection__text");
    // Writing the same words again would have a screen reader say them again.
    if (text.textContent !== WORDS[status]) text.textContent = WORDS[status];
  }
}

customElements.define("connection-status", ConnectionStatus);
