/* A field with a button that copies what is in it. */
import { gettext } from "../realtime/words.js";
import { toast } from "./page.js";

class CopyField extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", this.#copy);
  }

  disconnectedCallback() {
    this.removeEventListener("click", this.#copy);
  }

  #copy = async (event) => {
    if (!event.target.closest("button")) return;
    const field = this.querySelector("input");
    field.select();
    await copy(field.value);
  };
}

/** Copies, and says so; on a page without https the browser refuses, and the text can be copied by hand. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast(gettext("Link copied."), "success");
  } catch {
    toast(text);
  }
}

customElements.define("copy-field", CopyField);
