/** The page's end of the worker in clusters.js. */
export class ClusterIndex {
  #worker;
  #numbers = 0;
  #waiting = new Map();

  constructor(url) {
    this.#worker = new Worker(url, { type: "module" });
    this.#worker.addEventListener("message", ({ data: { number, answer } }) => {
      this.#waiting.get(number)?.(answer);
      this.#waiting.delete(number);
    });
  }

  /** Replaces the index. Resolves to the milliseconds that took. */
  async load(items) {
    const ids = new Float64Array(items.length);
    const places = new Float64Array(items.length * 2);
    const severities = new Uint8Array(items.length);
    items.forEach(({ id, lon, lat, severity }, i) => {
      ids[i] = id;
      places[2 * i] = lon;
      places[2 * i + 1] = lat;
      severities[i] = severity;
    });
    const { took } = await this.#ask("load", { ids, places, severities }, [ids.buffer, places.buffer, severities.buffer]);
    return took;
  }

  /** What to show in `[west, south, east, north]` at a zoom: `{lon, lat, worst, id}` or `{lon, lat, worst, cluster, count}`. */
  find(box, zoom) {
    return this.#ask("find", { box, zoom });
  }

  /** The zoom at which a cluster falls apart; null if it is of an earlier index. */
  expand(cluster) {
    return this.#ask("expand", { cluster });
  }

  end() {
    this.#worker.terminate();
  }

  #ask(task, details, transfer = []) {
    const number = ++this.#numbers;
    return new Promise((resolve) => {
      this.#waiting.set(number, resolve);
      this.#worker.postMessage({ number, task, ...details }, transfer);
    });
  }
}
