/* Areas of interest on the map: one's own, and those that are shared. They know what is in them, for "in my areas". */
import { L } from "./leaflet.js";

const TURNS = [-360, 0, 360];
const REACH = 240; // degrees of longitude that a window may reach to

export class AreaLayer extends EventTarget {
  #map;
  #me;
  #renderer = L.svg({ padding: 0.5 });
  #areas = new Map(); // id to {feature, layer, rings}

  constructor({ map, me }) {
    super();
    this.#map = map;
    this.#me = me;
  }

  async load(url) {
    const response = await fetch(url, { credentials: "same-origin" });
    if (!response.ok || response.redirected) throw new Error(`${url}: ${response.status}`);
    const { features, rev } = await response.json();
    for (const id of [...this.#areas.keys()]) this.#forget(id);
    features.forEach((feature) => this.#show(feature));
    this.dispatchEvent(new Event("change"));
    return { rev };
  }

  /** A `post_save` or `post_delete`, of the map's feed or of one's own. */
  apply({ type, feature }, isShared) {
    const { pk, model } = feature.properties;
    if (model !== "AreaOfInterest") return;
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
    const { pk, name, owner, is_active } = feature.properties;
    const isMine = owner === this.#me;
    const className = `area${isMine ? "" : " area--shared"}${is_active ? "" : " area--off"}`;
    const { type, coordinates } = feature.geometry;
    const rings = (type === "Polygon" ? [coordinates] : coordinates).flat().map(withBox);
    const style = { renderer: this.#renderer, style: { className, weight: 2 } };
    const layer = L.featureGroup(turnsInSight(rings).map((turn) => L.geoJSON(feature.geometry, { ...style, coordsToLatLng: turned(turn) })));
    layer.on("click", (event) => {
      L.DomEvent.stopPropagation(event);
      this.dispatchEvent(new CustomEvent("choose", { detail: pk }));
    });
    layer.addTo(this.#map);
    layer.eachLayer((copy) => copy.eachLayer((path) => describe(path.getElement(), `Area: ${name}`)));
    this.#areas.set(pk, { feature, layer, rings });
  }

  #forget(id) {
    this.#areas.get(id)?.layer.remove();
    this.#areas.delete(id);
  }
}

/** An area near the antimeridian is seen from both sides of it: on the next copy of the map, too. */
function turnsInSight(rings) {
  const [west, east] = [Math.min(...rings.map((ring) => ring.west)), Math.max(...rings.map((ring) => ring.east))];
  return TURNS.filter((turn) => turn === 0 || (west + turn < REACH && east + turn > -REACH));
}

const turned = (turn) => ([lon, lat]) => L.latLng(lat, lon + turn);

function describe(path, label) {
  path?.setAttribute("role", "img");
  path?.setAttribute("aria-label", label);
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
