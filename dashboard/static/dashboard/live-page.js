/*
 * Keeps a page live: one stream of server-sent events, closed while nobody looks. What changes is morphed into place, so that
 * focus, selection and open popovers stay; while somebody points into a table its rows keep their order.
 */
import { format, gettext } from "./words.js";

const HTTP_CLOSED = 2;

class LivePage extends HTMLElement {
  #source = null;
  #controller;
  #isPaused = false;
  #silence = null;

  connectedCallback() {
    if (!this.dataset.stream) return; // the server cannot keep a stream open
    this.#controller = new AbortController();
    const { signal } = this.#controller;
    document.addEventListener("visibilitychange", () => this.#follow(), { signal });
    window.addEventListener("pagehide", () => this.#close(), { signal });
    window.addEventListener("pageshow", () => this.#follow(), { signal });
    const pause = this.querySelector(".stream-state__pause");
    pause.hidden = false;
    pause.addEventListener("click", () => this.#pause(pause), { signal });
    this.#follow();
  }

  disconnectedCallback() {
    this.#controller?.abort();
    this.#close();
  }

  /** Is there a stream? Not while nobody looks. */
  get isFollowing() {
    return this.#source !== null;
  }

  #pause(button) {
    this.#isPaused = !this.#isPaused;
    button.setAttribute("aria-pressed", String(this.#isPaused));
    button.textContent = this.#isPaused ? gettext("Go on") : gettext("Pause");
    this.#follow();
  }

  #follow() {
    const wanted = !document.hidden && !this.#isPaused;
    if (wanted && !this.#source) this.#open();
    if (!wanted && this.#source) this.#close();
    if (this.#isPaused) this.#say("paused", gettext("Paused"));
  }

  #open() {
    const source = (this.#source = new EventSource(this.dataset.stream));
    source.addEventListener("open", () => this.#say("live", gettext("Live")));
    source.addEventListener("error", () => this.#lose(source));
    source.addEventListener("live", (event) => this.show(JSON.parse(event.data).html));
    source.addEventListener("away", (event) => this.#say("away", format(gettext("No news: %(why)s"), JSON.parse(event.data))));
    for (const name of ["series", "tick"]) {
      source.addEventListener(name, (event) => {
        this.#say("live", gettext("Live"));
        document.dispatchEvent(new CustomEvent(`dashboard:${name}`, { detail: JSON.parse(event.data) }));
      });
    }
  }

  #close() {
    this.#source?.close();
    this.#source = null;
  }

  #lose(source) {
    if (source.readyState === HTTP_CLOSED) {
      this.#say("stopped", gettext("Not live: you are logged out, or may not look. Reload the page."));
      this.#close();
    } else {
      this.#say("waiting", gettext("Reconnecting…"));
    }
  }

  #say(state, text) {
    if (this.dataset.state === state) return;
    this.dataset.state = state;
    this.querySelector(".stream-state__text").textContent = text;
  }

  /** Make the live part look like this HTML. */
  show(html) {
    const live = this.querySelector("#live");
    const next = new DOMParser().parseFromString(`<div id="live">${html}</div>`, "text/html").getElementById("live");
    for (const body of live.querySelectorAll("tbody:hover, tbody:focus-within")) keepOrder(body, next);
    window.Idiomorph.morph(live, [...next.childNodes], {
      morphStyle: "innerHTML",
      ignoreActiveValue: true,
      callbacks: { beforeAttributeUpdated: (name, node) => !(name === "open" && node.tagName === "DETAILS") },
    });
  }
}

/* Rows that are on the page already keep their places; new ones wait at the end. */
function keepOrder(body, next) {
  const coming = next.querySelector(`#${CSS.escape(body.id || "-")}`);
  if (!coming) return;
  const places = new Map([...body.rows].map((row, index) => [row.id, index]));
  const place = (row) => places.get(row.id) ?? places.size;
  coming.append(...[...coming.rows].sort((a, b) => place(a) - place(b)));
}

customElements.define("live-page", LivePage);
