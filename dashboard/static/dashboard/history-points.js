/*
 * Fetches what the charts of the history are drawn from: at once, and every minute while the page is followed. When that fails it
 * shows what stands in it, which has a button to try again; what is drawn already stays.
 *
 *   <history-points data-source="/dashboard/history/points/?range=1h">
 *     <p hidden>The history could not be read. <button type="button">Try again</button></p>
 *   </history-points>
 */
const FRESH_SECONDS = 60;

class HistoryPoints extends HTMLElement {
  #controller;
  #timer;

  connectedCallback() {
    this.#controller = new AbortController();
    this.querySelector("button").addEventListener("click", () => this.#fetch(), { signal: this.#controller.signal });
    this.#timer = setInterval(() => this.closest("live-page").isFollowing && this.#fetch(), FRESH_SECONDS * 1000);
    this.#fetch();
  }

  disconnectedCallback() {
    this.#controller.abort();
    clearInterval(this.#timer);
  }

  async #fetch() {
    const { signal } = this.#controller;
    const failed = this.querySelector("p");
    try {
      // Who is logged out is sent to the log-in page, which is no answer.
      const answer = await fetch(this.dataset.source, { headers: { Accept: "application/json" }, redirect: "error", signal });
      if (!answer.ok) throw new Error(answer.statusText);
      document.dispatchEvent(new CustomEvent("dashboard:series", { detail: await answer.json() }));
      failed.hidden = true;
    } catch {
      failed.hidden = signal.aborted;
    }
  }
}

customElements.define("history-points", HistoryPoints);
