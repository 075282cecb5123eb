/*
 * Incidents and clusters as elements on the map: at most a few hundred, whatever the number of incidents, because those that
 * would lie on each other are gathered by a worker. Elements are kept from one drawing to the next.
 */
import { format, gettext } from "../realtime/words.js";
import { L } from "./leaflet.js";
import { NAMES, severityMark } from "./severity.js";
import { ClusterIndex } from "./cluster-index.js";

const SOON = 60; // ms, so that what comes together is drawn together
const REST = 4; // times as long as indexing took, before it is done again

export class MarkerLayer extends EventTarget {
  #map;
  #store;
  #sprite;
  #index;
  #markers = new Map();
  #selected = null;
  #alerts = new Set();
  #fresh = new Set();
  #timer = null;
  #nextIndexing = 0;
  #isStale = true;
  #drawing = 0;

  constructor({ map, store, sprite, worker }) {
    super();
    this.#map = map;
    this.#store = store;
    this.#sprite = sprite;
    this.#index = new ClusterIndex(worker);
    store.addEventListener("change", () => this.#changed());
    map.on("moveend", () => this.#draw());
  }

  end() {
    clearTimeout(this.#timer);
    this.#index.end();
  }

  /** Rings one incident; null for none. */
  select(id) {
    this.#selected = id;
    this.#mark();
  }

  /** The incidents that are to be noticed. */
  setAlerts(ids) {
    this.#alerts = new Set(ids);
    this.#mark();
  }

  /** This one has just come: let it land. */
  welcome(id) {
    this.#fresh.add(id);
  }

  #changed() {
    this.#isStale = true;
    this.#timer ??= setTimeout(() => this.#reindex(), Math.max(SOON, this.#nextIndexing - performance.now()));
  }

  async #reindex() {
    this.#isStale = false;
    const since = performance.now();
    await this.#index.load(this.#store.shown());
    this.#nextIndexing = performance.now() + REST * (performance.now() - since);
    this.#timer = null;
    if (this.#isStale) this.#changed();
    await this.#draw();
  }

  async #draw() {
    const drawing = ++this.#drawing;
    const zoom = Math.floor(this.#map.getZoom());
    const bounds = this.#map.getBounds().pad(0.25);
    const box = [bounds.getWest(), Math.max(-90, bounds.getSouth()), bounds.getEast(), Math.min(90, bounds.getNorth())];
    const found = await this.#index.find(box, zoom);
    if (drawing !== this.#drawing) return; // the map has moved on
    const centre = this.#map.getCenter().lng;
    const kept = new Map();
    for (const one of found) {
      one.lon += 360 * Math.round((centre - one.lon) / 360); // on the copy of the map that is in sight
      const key = one.id ? `${one.id}:${one.worst}` : `${one.lon.toFixed(4)},${one.lat.toFixed(4)},${one.count},${one.worst}`;
      const marker = this.#markers.get(key) ?? this.#make(one);
      this.#markers.delete(key);
      marker.setLatLng([one.lat, one.lon]);
      marker.one = one;
      kept.set(key, marker);
    }
    for (const marker of this.#markers.values()) marker.remove();
    this.#markers = kept;
    this.#fresh.clear();
    this.#mark();
    this.dispatchEvent(new Event("drawn"));
  }

  #make(one) {
    const element = one.id ? this.#incident(one) : this.#cluster(one);
    const icon = L.divIcon({ html: element, className: "", iconSize: null });
    const marker = L.marker([one.lat, one.lon], { icon, keyboard: false, zIndexOffset: (6 - one.worst) * 1000 });
    marker.on("click", () => this.#press(marker.one));
    marker.addTo(this.#map);
    return marker;
  }

  #incident({ id, worst }) {
    const element = button("mark");
    element.dataset.severity = String(worst);
    element.dataset.id = String(id);
    element.append(severityMark(worst, this.#sprite));
    const name = this.#store.get(id)?.name ?? "";
    element.setAttribute("aria-label", `${NAMES[worst]}: ${name}`);
    element.title = name;
    if (this.#fresh.has(id)) element.dataset.new = "";
    return element;
  }

  #cluster({ count, worst }) {
    const element = button("cluster");
    element.dataset.severity = String(worst);
    element.dataset.size = String(Math.min(4, String(count).length));
    element.textContent = count < 10_000 ? String(count) : `${Math.round(count / 1000)}k`;
    element.setAttribute("aria-label", clusterLabel(count, worst));
    return element;
  }

  async #press(one) {
    if (one.id) {
      this.dispatchEvent(new CustomEvent("choose", { detail: one.id }));
      return;
    }
    const zoom = (await this.#index.expand(one.cluster)) ?? this.#map.getZoom() + 2;
    this.#map.flyTo([one.lat, one.lon], Math.min(zoom, this.#map.getMaxZoom()), { duration: 0.5 });
  }

  #mark() {
    for (const { one, options } of this.#markers.values()) {
      if (!one.id) continue;
      options.icon.options.html.toggleAttribute("data-selected", one.id === this.#selected);
      options.icon.options.html.toggleAttribute("data-alert", this.#alerts.has(one.id));
    }
  }
}

function clusterLabel(count, worst) {
  const facts = { count, severity: NAMES[worst].toLowerCase() };
  return format(gettext("%(count)s incidents, the worst %(severity)s. Zoom in"), facts);
}

function button(className) {
  const element = document.createElement("button");
  element.type = "button";
  element.className = className;
  element.tabIndex = -1; // the list beside the map is the way there by keyboard
  return element;
}
