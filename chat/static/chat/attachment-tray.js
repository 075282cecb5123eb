/* Files on their way into the next message: each is uploaded at once, and shown with its progress. */
import { format, gettext } from "../realtime/words.js";
import { template } from "./page.js";

const MOST = 10; // files in one message

class AttachmentTray extends HTMLElement {
  #files = new Map(); // element: {id, request}

  connectedCallback() {
    this.addEventListener("click", this.#clicked);
  }

  disconnectedCallback() {
    this.removeEventListener("click", this.#clicked);
    this.clear();
  }

  get isBusy() {
    return [...this.#files.values()].some((file) => file.request);
  }

  /** The ids of what has arrived. */
  get ids() {
    return [...this.#files.values()].map((file) => file.id).filter(Boolean);
  }

  add(files, url) {
    for (const file of [...files].slice(0, MOST - this.#files.size)) this.#upload(file, url);
  }

  clear() {
    for (const { request } of this.#files.values()) request?.abort();
    this.#files.clear();
    this.replaceChildren();
    this.#changed();
  }

  #upload(file, url) {
    const element = template("file");
    element.querySelector(".upload__name").textContent = file.name;
    element.querySelector("button").setAttribute("aria-label", format(gettext("Remove %(name)s"), file));
    const request = new XMLHttpRequest(); // fetch cannot tell the progress
    const body = new FormData();
    body.append("file", file);
    request.open("POST", url);
    request.responseType = "json";
    request.setRequestHeader("X-CSRFToken", document.querySelector('meta[name="csrf-token"]').content);
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) element.querySelector("progress").value = (100 * event.loaded) / event.total;
    });
    request.addEventListener("loadend", () => this.#arrived(element, request));
    this.#files.set(element, { request });
    this.append(element);
    request.send(body);
    this.#changed();
  }

  #arrived(element, request) {
    if (!this.#files.has(element)) return;
    const answer = request.response;
    const id = request.status < 300 ? answer?.id : undefined;
    this.#files.set(element, { id });
    element.dataset.state = id ? "done" : "failed";
    if (!id) element.querySelector(".upload__reason").textContent = answer?.message ?? gettext("It did not arrive.");
    else if (answer.is_image) element.querySelector(".icon").replaceWith(thumbnail(answer.url));
    this.#changed();
  }

  #clicked = (event) => {
    const element = event.target.closest("button")?.closest(".upload");
    if (!element) return;
    this.#files.get(element)?.request?.abort();
    this.#files.delete(element);
    element.remove();
    this.#changed();
  };

  #changed() {
    this.hidden = this.#files.size === 0;
    this.dispatchEvent(new CustomEvent("files-changed", { bubbles: true }));
  }
}

function thumbnail(url) {
  const image = document.createElement("img");
  Object.assign(image, { src: url, alt: "", className: "upload__image" });
  return image;
}

customElements.define("attachment-tray", AttachmentTray);
