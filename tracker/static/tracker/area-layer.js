/* Areas of interest on the map: one's own, and those that are shared. They know what is in them, for "in my areas". */
import { format, gettext } from "../realtime/words.js";
import { L } from "./leaflet.js";

const TURNS = [-360, 0, 360];

export class AreaLayer extends EventTarget {
  #map;
  #me;
  #renderer = L.svg({ padding: 0.5 });
  #areas = new Map(); // id to {feature, rings, layer, turns}
  #since = null; // what came while they were asked for

  constructor({ map, me }) {
    super();
    this.#map = map;
    this.#me = me;
    map.on("moveend", () => this.#areas.forEach((area) => this.#turn(area)));
  }

  async load(url) {
    const since = (this.#since = []);
    const response = await fetch(url, { credentials: "same-origin" });
    if (!response.ok || response.redirected) throw new Error(`${url}: ${response.status}`);
    const { features, rev, map_rev } = await response.json();
    if (since !== this.#since) return; // it was asked for anew
    for (const id of [...this.#areas.keys()]) this.#forget(id);
    features.forEach((feature) => this.#show(feature));
    this.#since = null;
    for (const [event, from] of since) if (from.rev > (from.isShared ? map_rev : rev)) this.apply(event, from);
    this.dispatchEvent(new Event("change"));
    return { rev };
  }

  /** A `post_save` or `post_delete`, of revision `rev` of the map's feed, or of one's own. */
  apply(event, { rev, isShared = false }) {
    const { type, feature } = event;
    const { pk, model } = feature.properties;
    if (model !== "AreaOfInterest") return;
    this.#since?.push([event, { rev, isShared }]);
    const isMine = this.#areas.get(pk)?.feature.properties.owner === this.#me;
    if (type === "post_delete" && isShared && isMine) return; // no longer shared; one's own feed tells whether it is gone
    this.#forget(pk);
    if (type === "post_save") this.#show(feature);
    this.dispatchEvent(new Event("change"));
  }

  get(id) {
    return this.#areas.get(id)?.feature;
  }

  /** While one is edited, only its editor shows it. */
  hide(id, isHidden) {
    const layer = this.#areas.get(id)?.layer;
    if (layer) isHidden ? layer.remove() : layer.addTo(this.#map);
  }

  bounds(id) {
    const feature = this.get(id);
    return feature && L.geoJSON(feature.geometry).getBounds();
  }

  /** Whether an incident is in one of the reader's own areas, and severe enough for it. The server's rule: even-odd, flat. */
  isMine({ lon, lat, severity }) {
    for (const { feature, rings } of this.#areas.values()) {
      const { owner, is_active, severity: bar } = feature.properties;
      if (owner === this.#me && is_active && severity <= bar && isInside(rings, lon, lat)) return true;
    }
    return false;
  }

  #show(feature) {
    const { pk } = feature.properties;
    const { type, coordinates } = feature.geometry;
    const rings = (type === "Polygon" ? [coordinates] : coordinates).flat().map(withBox);
    const layer = L.featureGroup().addTo(this.#map);
    layer.on("click", (event) => {
      L.DomEvent.stopPropagation(event);
      this.dispatchEvent(new CustomEvent("choose", { detail: pk }));
    });
    const area = { feature, rings, layer, turns: [] };
    this.#areas.set(pk, area);
    this.#turn(area);
  }

  /** Draws it on those copies of the world on which incidents are shown now. */
  #turn(area) {
    const turns = turnsInSight(area.rings, this.#map.getCenter().lng);
    if (String(turns) === String(area.turns)) return;
    area.turns = turns;
    area.layer.clearLayers();
    for (const turn of turns) area.layer.addLayer(this.#copy(area.feature, turn));
  }

  #copy({ geometry, properties: { pk, name, owner, is_active } }, turn) {
    const className = `area${owner === this.#me ? "" : " area--shared"}${is_active ? "" : " area--off"}`;
    return L.geoJSON(geometry, {
      renderer: this.#renderer,
      style: { className, weight: 2 },
      coordsToLatLng: ([lon, lat]) => L.latLng(lat, lon + turn),
      onEachFeature: (_, path) => path.on("add", () => this.#describe(path.getElement(), pk, name)),
    });
  }

  #describe(path, id, name) {
    path.dataset.area = id;
    path.setAttribute("role", "button");
    path.setAttribute("aria-label", format(gettext("Area: %(name)s"), { name }));
    path.tabIndex = 0;
    path.addEventListener("keydown", ({ key }) => key === "Enter" && this.dispatchEvent(new CustomEvent("choose", { detail: id })));
  }

  #forget(id) {
    this.#areas.get(id)?.layer.remove();
    this.#areas.delete(id);
  }
}

/** By how many degrees it is turned to where an incident in it may be: within 180 of the middle of the window. */
function turnsInSight(rings, middle) {
  const [west, east] = [Math.min(...rings.map((ring) => ring.west)), Math.max(...rings.map((ring) => ring.east))];
  const [first, last] = [Math.ceil((middle - 180 - east) / 360), Math.floor((middle + 180 - west) / 360)];
  return Array.from({ length: last - first + 1 }, (_, i) => 360 * (first + i));
}

function withBox(ring) {
  const lons = ring.map(([lon]) => lon);
  return { ring, west: Math.min(...lons), east: Math.max(...lons) };
}

function isInside(rings, lon, lat) {
  return TURNS.some((turn) => rings.filter((ring) => crosses(ring, lon + turn, lat)).length % 2 === 1);
}

/** Whether a ray to the east crosses the ring an odd number of times. */
function crosses({ ring, west, east }, lon, lat) {
  if (lon < west || lon > east) return false;
  let isIn = false;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    const [[x1, y1], [x2, y2]] = [ring[i], ring[j]];
    if (y1 > lat !== y2 > lat && lon < ((x2 - x1) * (lat - y1)) / (y2 - y1) + x1) isIn = !isIn;
  }
  return isIn;
}
