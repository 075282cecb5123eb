/* Asks for the browser's own notifications, when the person presses the button and never before. */
import { gettext } from "../realtime/words.js";

const WORDS = {
  granted: gettext("Allowed in this browser."),
  denied: gettext("This browser refuses them for this site; its settings can change that."),
};

class BrowserPermission extends HTMLElement {
  connectedCallback() {
    if (!("Notification" in window)) return;
    this.hidden = false;
    this.querySelector("button").addEventListener("click", async () => {
      await Notification.requestPermission();
      this.#show();
    });
    this.#show();
  }

  #show() {
    this.querySelector("button").hidden = Notification.permission !== "default";
    this.querySelector("span").textContent = WORDS[Notification.permission] ?? "";
  }
}

customElements.define("browser-permission", BrowserPermission);
