/*
 * Short notes in the corner: what the server rendered (Django's messages), and what scripts say:
 *   document.querySelector("toast-area").show("Link copied", "success")
 * Errors stay until they are dismissed; the rest leaves by itself, unless somebody is reading it.
 */
import { gettext } from "../realtime/words.js";

const SECONDS = 6;

class ToastArea extends HTMLElement {
  #controller;

  connectedCallback() {
    this.#controller = new AbortController();
    const { signal } = this.#controller;
    this.addEventListener("click", (event) => event.target.closest("button")?.closest(".toast")?.remove(), { signal });
    document.addEventListener("htmx:response:error", (event) => this.#explain(event.detail.ctx?.response?.status), { signal });
    document.addEventListener("htmx:error", () => this.#explain(), { signal });
    for (const toast of this.querySelectorAll(".toast")) this.#expire(toast);
  }

  disconnectedCallback() {
    this.#controller.abort();
  }

  show(text, level = "info") {
    const toast = this.querySelector("template").content.cloneNode(true).firstElementChild;
    toast.dataset.level = level;
    toast.querySelector("p").textContent = text;
    this.append(toast);
    this.#expire(toast);
    return toast;
  }

  #explain(status) {
    if (status === 422) return; // a form that says what is wrong in its own place
    if (status === 403 || status === 401) this.show(gettext("You may not do that here. Log in again if you were away."), "error");
    else if (status === 429) this.show(gettext("That was too fast. Wait a moment and try again."), "warning");
    else this.show(gettext("That did not work. Check the connection and try again."), "error");
  }

  #expire(toast) {
    if (toast.dataset.level === "error") return;
    const leave = () => (toast.matches(":hover, :focus-within") ? setTimeout(leave, SECONDS * 1000) : toast.remove());
    setTimeout(leave, SECONDS * 1000);
  }
}

customElements.define("toast-area", ToastArea);
