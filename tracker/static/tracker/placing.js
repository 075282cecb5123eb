/* A pin that says where something is: put by a click, dragged, typed as degrees, or where the reader is. */
import { L } from "./leaflet.js";

export class Placing extends EventTarget {
  #map;
  #form;
  #marker = null;
  #isOn = false;

  constructor({ map, form }) {
    super();
    this.#map = map;
    this.#form = form;
    map.on("click", ({ latlng }) => this.#isOn && this.put(latlng.lat, latlng.lng));
    form.addEventListener("change", ({ target }) => (target.name === "lat" || target.name === "lon") && this.#follow());
  }

  get isOn() {
    return this.#isOn;
  }

  start() {
    this.#isOn = true;
  }

  stop() {
    this.#isOn = false;
    this.#marker?.remove();
    this.#marker = null;
  }

  /** Puts the pin there, and the degrees into the form. */
  put(lat, lon) {
    const place = L.latLng(Math.max(-90, Math.min(90, lat)), lon);
    if (!this.#marker) {
      const icon = L.divIcon({ html: pin(), className: "pin", iconSize: [36, 36], iconAnchor: [18, 34] });
      this.#marker = L.marker(place, { icon, draggable: true, keyboard: false, zIndexOffset: 10_000 }).addTo(this.#map);
      this.#marker.on("drag", () => this.#write(this.#marker.getLatLng()));
    }
    this.#marker.setLatLng(place);
    this.#write(place);
  }

  #write(place) {
    const { lat, lng } = place.wrap();
    this.#form.elements.lat.value = lat.toFixed(5);
    this.#form.elements.lon.value = lng.toFixed(5);
    this.dispatchEvent(new Event("placed"));
  }

  /** Degrees were typed. */
  #follow() {
    const [lat, lon] = ["lat", "lon"].map((name) => Number.parseFloat(this.#form.elements[name].value));
    if (Number.isFinite(lat) && Number.isFinite(lon)) this.#marker?.setLatLng([lat, lon]);
  }
}

function pin() {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 36 36");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", "M18 34C11 25 7 20 7 14a11 11 0 0 1 22 0c0 6-4 11-11 20zM18 10a4 4 0 1 0 0 8 4 4 0 0 0 0-8z");
  svg.append(path);
  return svg;
}
