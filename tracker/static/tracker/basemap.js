/*
 * The base map: Natural Earth's countries, drawn into tiles in the page's own colours. Needs no tile server and no network, has
 * no seam at the antimeridian, and is redrawn when the theme changes.
 */
import { language } from "../realtime/words.js";
import { L } from "./leaflet.js";

const FINE_ZOOM = 5; // from here on the finer outlines are worth their bytes
const LIMIT = 85.0511287798; // degrees: where Web Mercator's square ends
const TOKENS = ["sea", "land", "coast", "border", "grid", "label"];

export const BaseMap = L.GridLayer.extend({
  options: { tileSize: 512, updateWhenZooming: false, keepBuffer: 1 },

  initialize({ coarse, fine, ...options }) {
    L.GridLayer.prototype.initialize.call(this, options);
    this._outlines = { coarse: load(coarse), fine: null };
    this._fineUrl = fine;
    this._outlines.coarse.then(() => this.redraw());
  },

  onAdd(map) {
    this._colours = readColours(map.getContainer());
    this._repaint = () => {
      this._colours = readColours(map.getContainer());
      this.redraw();
    };
    this._observer = new MutationObserver(this._repaint);
    this._observer.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    this._scheme = matchMedia("(prefers-color-scheme: dark)");
    this._scheme.addEventListener("change", this._repaint);
    L.GridLayer.prototype.onAdd.call(this, map);
  },

  onRemove(map) {
    this._observer.disconnect();
    this._scheme.removeEventListener("change", this._repaint);
    L.GridLayer.prototype.onRemove.call(this, map);
  },

  createTile(coords, done) {
    const tile = document.createElement("canvas");
    const { x: size } = this.getTileSize();
    const scale = devicePixelRatio || 1;
    tile.width = tile.height = size * scale;
    this._outlinesFor(coords.z)
      .then((countries) => {
        const context = tile.getContext("2d", { alpha: false });
        context.scale(scale, scale);
        draw(context, countries, this._colours, view(coords, size));
        done(null, tile);
      })
      .catch((error) => done(error, tile));
    return tile;
  },

  async _outlinesFor(zoom) {
    if (zoom >= FINE_ZOOM) this._outlines.fine ??= load(this._fineUrl).catch(() => this._outlines.coarse);
    return (zoom >= FINE_ZOOM && this._outlines.fine) || this._outlines.coarse;
  },
});

/** Where a tile lies in the unit square of Web Mercator, and how many pixels that square has. */
function view({ x, y, z }, size) {
  const world = 256 * 2 ** z;
  const [west, north] = [(x * size) / world, (y * size) / world];
  return { world, west, north, east: west + size / world, south: north + size / world, size, zoom: z };
}

async function load(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return (await response.json()).features.map(country);
}

function country({ properties, geometry }) {
  const rings = geometry.coordinates.map((polygon) => polygon.map(project)).flat();
  const largest = rings.reduce((best, ring) => (ring.area > best.area ? ring : best));
  return { name: properties[language] ?? properties.name, rings, at: largest.centre, width: largest.east - largest.west };
}

/** A ring in the unit square, with its box. */
function project(ring) {
  const points = new Float64Array(ring.length * 2);
  const box = { west: 1, east: 0, north: 1, south: 0 };
  let [area, cx, cy] = [0, 0, 0];
  ring.forEach(([lon, lat], i) => {
    const sine = Math.sin((Math.max(-LIMIT, Math.min(LIMIT, lat)) * Math.PI) / 180);
    const [x, y] = [lon / 360 + 0.5, 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)];
    points[2 * i] = x;
    points[2 * i + 1] = y;
    if (i) {
      const cross = points[2 * i - 2] * y - x * points[2 * i - 1];
      area += cross / 2;
      cx += ((points[2 * i - 2] + x) * cross) / 6;
      cy += ((points[2 * i - 1] + y) * cross) / 6;
    }
    box.west = Math.min(box.west, x);
    box.east = Math.max(box.east, x);
    box.north = Math.min(box.north, y);
    box.south = Math.max(box.south, y);
  });
  return { points, ...box, area: Math.abs(area), centre: area ? [cx / area, cy / area] : [points[0], points[1]] };
}

function draw(context, countries, colours, tile) {
  context.fillStyle = colours.sea;
  context.fillRect(0, 0, tile.size, tile.size);
  drawGrid(context, colours, tile);
  const shown = countries.map(({ rings }) => rings.filter((ring) => meets(ring, tile))).filter((rings) => rings.length);
  context.lineJoin = "round";
  context.fillStyle = colours.land;
  for (const rings of shown) {
    context.beginPath();
    for (const ring of rings) trace(context, ring.points, tile, false);
    context.fill("evenodd");
  }
  context.strokeStyle = colours.coast;
  context.lineWidth = tile.zoom < 5 ? 0.8 : 1.1;
  for (const rings of shown) {
    context.beginPath();
    for (const ring of rings) trace(context, ring.points, tile, true);
    context.stroke();
  }
  for (const country of countries) label(context, country, colours, tile);
}

const meets = (ring, tile) => ring.west < tile.east && ring.east > tile.west && ring.north < tile.south && ring.south > tile.north;

/** `isLine`: without the cuts along the antimeridian and the pole, which are no coast. */
function trace(context, points, { world, west, north }, isLine) {
  let wasCut = true;
  for (let i = 0; i < points.length; i += 2) {
    const [x, y] = [(points[i] - west) * world, (points[i + 1] - north) * world];
    const isCut = isLine && i > 0 && isEdge(points[i], points[i + 1]) && isEdge(points[i - 2], points[i - 1]);
    if (wasCut || isCut) context.moveTo(x, y);
    else context.lineTo(x, y);
    wasCut = false;
  }
}

const isEdge = (x, y) => x < 1e-4 || x > 0.9999 || y > 0.9999;

/** Every thirty degrees; finer where one is near. */
function drawGrid(context, colours, { world, west, north, east, south, size, zoom }) {
  const step = zoom < 4 ? 30 : zoom < 6 ? 10 : zoom < 8 ? 5 : 1;
  context.strokeStyle = colours.grid;
  context.lineWidth = 1;
  context.beginPath();
  for (let lon = Math.ceil((west - 0.5) * (360 / step)) * step; lon <= (east - 0.5) * 360; lon += step) {
    const x = Math.round((lon / 360 + 0.5 - west) * world) + 0.5;
    context.moveTo(x, 0);
    context.lineTo(x, size);
  }
  for (let lat = -90 + step; lat < 90; lat += step) {
    const sine = Math.sin((lat * Math.PI) / 180);
    const y = 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI);
    if (y < north || y > south) continue;
    const at = Math.round((y - north) * world) + 0.5;
    context.moveTo(0, at);
    context.lineTo(size, at);
  }
  context.stroke();
}

/** A name that fits into its country. Drawn into each tile that it reaches into, at the same place. */
function label(context, { name, at, width }, colours, { world, west, north, size, zoom }) {
  const [x, y] = [(at[0] - west) * world, (at[1] - north) * world];
  if (y < -20 || y > size + 20 || x < -200 || x > size + 200) return;
  context.font = `${zoom < 4 ? 500 : 550} ${zoom < 4 ? 10.5 : 12.5}px ${getComputedStyle(document.body).fontFamily}`;
  const extent = context.measureText(name).width;
  if (width * world < extent * 1.15 && zoom < 9) return;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineWidth = 3;
  context.strokeStyle = colours.land;
  context.fillStyle = colours.label;
  context.strokeText(name, x, y);
  context.fillText(name, x, y);
}

/** The tokens as colours that a canvas understands: `light-dark()` is resolved only where it is used. */
function readColours(element) {
  const probe = document.createElement("span");
  element.append(probe);
  const colours = {};
  for (const name of TOKENS) {
    probe.style.color = `var(--map-${name})`;
    colours[name] = getComputedStyle(probe).color;
  }
  probe.remove();
  return colours;
}
