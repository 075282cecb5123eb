/*
 * Drawing and changing the shape of an area, by Terra Draw. By mouse and touch as it has it; by keyboard the crosshair in the
 * middle of the map draws: arrows move the map, Space sets a corner, Enter finishes, Escape gives up. To change a shape, [ and ]
 * choose a corner, and then arrows move it, + adds one after it, Delete removes it, and Enter saves.
 */
import { Corners } from "./corners.js";
import { L } from "./leaflet.js";

const DECIMALS = 6;
const EDITABLE = { feature: { draggable: true, coordinates: { midpoints: true, draggable: true, deletable: true } } };
const KEYS = { cancel: "Escape", finish: "Enter" };
const STEP = 5; // pixels, so that it is as fine as the map is
const LONG_STEP = 40; // pixels, with Shift
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** Loaded when somebody first draws: it is larger than all the rest. Its adapter is a script that finds it in a global. */
let library;

async function loadLibrary(scripts) {
  for (const src of scripts) {
    await new Promise((resolve, reject) => {
      const script = Object.assign(document.createElement("script"), { src, onload: resolve, onerror: reject });
      document.head.append(script);
    });
  }
  const { terraDraw, terraDrawLeafletAdapter } = globalThis;
  class Adapter extends terraDrawLeafletAdapter.TerraDrawLeafletAdapter {
    /** Theirs writes a style element for each pane, which our policy forbids; a property does. */
    createPaneStyleSheet(name, zIndex) {
      const pane = this._map.getPane(name) ?? this._map.createPane(name);
      pane.style.zIndex = String(zIndex + 600);
      return pane;
    }

    /** Leaflet remembers the renderer of each pane, so that panes stay. */
    clearPanes() {
      this._panes = {};
    }
  }
  return { ...terraDraw, Adapter };
}

export class AreaEditor extends EventTarget {
  #map;
  #colour;
  #scripts;
  #draw = null;
  #mode = null;
  #corners = new Corners();
  #cursor = L.marker([0, 0], { pane: "popupPane", interactive: false, keyboard: false, icon: L.divIcon({ className: "corner-cursor", iconSize: [24, 24] }) });
  #onKey = (event) => this.#key(event);

  /** `colour()` gives the one to draw in, as #rrggbb; `scripts` are the addresses of Terra Draw and of its adapter. */
  constructor({ map, colour, scripts }) {
    super();
    this.#map = map;
    this.#colour = colour;
    this.#scripts = scripts;
  }

  get isOn() {
    return Boolean(this.#draw);
  }

  /** Draws a new shape. */
  async start(mode = "polygon") {
    this.stop();
    await this.#begin();
    this.setMode(mode);
  }

  /** Changes a Polygon without holes. Returns false for anything else: that is changed as text. */
  async edit(geometry) {
    if (geometry.type !== "Polygon" || geometry.coordinates.length > 1) return false;
    this.stop();
    await this.#begin();
    const coordinates = geometry.coordinates.map((ring) => ring.map((at) => at.map((degrees) => Number(degrees.toFixed(DECIMALS)))));
    const [{ id, valid }] = this.#draw.addFeatures([
      { type: "Feature", properties: { mode: "polygon" }, geometry: { type: "Polygon", coordinates } },
    ]);
    if (!valid) {
      this.stop();
      return false;
    }
    this.#select(id);
    return true;
  }

  setMode(mode) {
    this.#mode = mode;
    this.#draw?.clear();
    this.#draw?.setMode(mode);
  }

  /** The shape as GeoJSON, or null as long as there is none. */
  get geometry() {
    return this.#shape?.geometry ?? null;
  }

  /** Goes to another corner of the shape, which the keys then change. */
  stepCorner(by) {
    if (!this.#shape) return;
    this.#corners.step(this.#ring, by);
    this.#map.getContainer().focus({ preventScroll: true });
    this.#showCorner();
  }

  stop() {
    if (!this.#draw) return;
    this.#map.getContainer().removeEventListener("keydown", this.#onKey);
    this.#forgetCorner();
    this.#draw.stop();
    this.#draw = null;
    this.#mode = null;
    this.#map.dragging.enable();
  }

  async #begin() {
    const Terra = await (library ??= loadLibrary(this.#scripts));
    this.stop();
    const colour = this.#colour();
    const styles = { fillColor: colour, outlineColor: colour, fillOpacity: 0.18, outlineWidth: 2, closingPointColor: colour };
    const points = { selectedPolygonColor: colour, selectedPolygonOutlineColor: colour, selectionPointColor: colour, midPointColor: colour };
    const options = { styles, keyEvents: KEYS };
    this.#draw = new Terra.TerraDraw({
      adapter: new Terra.Adapter({ lib: L, map: this.#map, coordinatePrecision: DECIMALS }),
      modes: [
        new Terra.TerraDrawPolygonMode(options),
        new Terra.TerraDrawRectangleMode(options),
        new Terra.TerraDrawCircleMode(options),
        new Terra.TerraDrawFreehandMode(options),
        new Terra.TerraDrawSelectMode({
          styles: { ...points, selectedPolygonFillOpacity: 0.18 },
          flags: { polygon: EDITABLE, rectangle: EDITABLE, circle: EDITABLE, freehand: EDITABLE },
          keyEvents: null,
          allowManualDeselection: false,
        }),
      ],
    });
    this.#draw.start();
    this.#draw.on("finish", (id, { action }) => (action === "draw" ? this.#select(id) : this.#forgetCorner()));
    this.#map.getContainer().addEventListener("keydown", this.#onKey);
  }

  #select(id) {
    // After the event that finished it: Terra Draw is still busy with that.
    queueMicrotask(() => {
      this.#mode = "select";
      this.#draw?.setMode("select");
      this.#draw?.selectFeature(id);
      this.dispatchEvent(new Event("drawn"));
    });
  }

  #key(event) {
    if (event.target !== this.#map.getContainer() || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = this.#mode === "select" ? this.#changing(event) : event.key === " " && (() => this.#clickInTheMiddle());
    if (!act) return;
    event.preventDefault();
    event.stopPropagation(); // or Leaflet moves the map, too
    act();
  }

  /** What a key does to a shape. Until a corner is chosen, arrows move the map as ever. */
  #changing({ key, shiftKey }) {
    if (key === "[" || key === "]") return () => this.stepCorner(key === "]" ? 1 : -1);
    if (key === "Enter") return () => this.dispatchEvent(new Event("done"));
    if (!this.#shape || this.#corners.chosen === null) return null;
    if (key in ARROWS) return () => this.#move(ARROWS[key], shiftKey ? LONG_STEP : STEP);
    if (key === "+" || key === "Insert") return () => this.#change(this.#corners.grown(this.#ring));
    if (key === "Delete") return () => this.#change(this.#corners.shrunk(this.#ring));
    return null;
  }

  #move([x, y], pixels) {
    const [lon, lat] = this.#ring[this.#corners.chosen];
    const point = this.#map.latLngToContainerPoint([lat, lon]).add([x * pixels, y * pixels]);
    const to = this.#map.containerPointToLatLng(point);
    this.#change(this.#corners.moved(this.#ring, [to.lng, to.lat]));
  }

  #change(ring) {
    if (ring) {
      const coordinates = [ring.map((at) => at.map((degrees) => Number(degrees.toFixed(DECIMALS))))];
      this.#draw.updateFeatureGeometry(this.#shape.id, { type: "Polygon", coordinates });
    }
    this.#showCorner();
  }

  #showCorner() {
    const [lon, lat] = this.#ring[this.#corners.chosen];
    this.#cursor.setLatLng([lat, lon]).addTo(this.#map);
    this.#map.panInside([lat, lon], { padding: [LONG_STEP, LONG_STEP] });
    const detail = { number: this.#corners.chosen + 1, count: this.#ring.length - 1, lon, lat };
    this.dispatchEvent(new CustomEvent("corner", { detail }));
  }

  get #shape() {
    if (this.#mode !== "select") return null;
    return this.#draw.getSnapshot().find(({ geometry }) => geometry.type === "Polygon");
  }

  get #ring() {
    return this.#shape.geometry.coordinates[0];
  }

  /** A pointer changed the shape: the chosen corner may be another one now. */
  #forgetCorner() {
    this.#cursor.remove();
    this.#corners = new Corners();
  }

  /** What a mouse would do at the crosshair. */
  #clickInTheMiddle() {
    const container = this.#map.getContainer();
    const { left, top, width, height } = container.getBoundingClientRect();
    const at = { bubbles: true, clientX: left + width / 2, clientY: top + height / 2, pointerId: 1, pointerType: "mouse", isPrimary: true };
    container.dispatchEvent(new PointerEvent("pointermove", { ...at, buttons: 0 }));
    container.dispatchEvent(new PointerEvent("pointerdown", { ...at, button: 0, buttons: 1 }));
    container.dispatchEvent(new PointerEvent("pointerup", { ...at, button: 0, buttons: 0 }));
  }
}
