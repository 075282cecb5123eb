/* Sharing in a dialog over the board: the same part as the page of its own, fetched when it is asked for. */
import { gettext } from "../realtime/words.js";

class BoardSharing extends HTMLElement {
  #controller;

  connectedCallback() {
    this.#controller = new AbortController();
    const { signal } = this.#controller;
    const dialog = this.querySelector("dialog");
    document.addEventListener(
      "click",
      (event) => {
        const link = event.target.closest("a[data-share]");
        if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        dialog.showModal();
      },
      { signal },
    );
    this.addEventListener("click", (event) => this.#press(event), { signal });
    this.addEventListener("change", (event) => event.target.matches("[data-submits]") && event.target.form.requestSubmit(), { signal });
  }

  disconnectedCallback() {
    this.#controller.abort();
  }

  async #press(event) {
    if (event.target.matches("dialog") || event.target.closest("[data-close]")) this.querySelector("dialog")?.close();
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const field = document.getElementById(button.dataset.copy);
    field.select();
    // Without a secure page there is no clipboard; then it is selected, and Ctrl+C does it.
    await navigator.clipboard?.writeText(field.value).then(() => document.querySelector("toast-area")?.show(gettext("Link copied"), "success"));
  }
}

customElements.define("board-sharing", BoardSharing);
