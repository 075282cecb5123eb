/* Drawing an area of interest, and changing one: a shape on the map and a form beside it. */
import { socket } from "../realtime/socket.js";
import { format, gettext, language } from "../realtime/words.js";
import { AreaEditor } from "./area-editor.js";
import { me, say } from "./page.js";

const HINTS = {
  polygon: gettext("Click the corners; click the first one again to finish. By keyboard: Space for each, then Enter"),
  rectangle: gettext("Click one corner, then the opposite one"),
  circle: gettext("Click the middle, then the rim"),
  freehand: gettext("Click, draw around, click again"),
};

export class Drawing {
  #page;
  #map;
  #panel;
  #areas;
  #editor;
  #editing = null; // the id of the area that is changed

  constructor({ page, map, panel, areas }) {
    this.#page = page;
    this.#map = map;
    this.#panel = panel;
    this.#areas = areas;
    this.#editor = new AreaEditor({ map, colour: () => colourOf(page, "--map-area"), scripts: page.dataset.editor.split(" ") });
    this.#editor.addEventListener("drawn", () => this.#describe());
    this.#editor.addEventListener("done", () => this.#form.requestSubmit());
    this.#editor.addEventListener("corner", ({ detail }) => page.hint(told(detail)));
  }

  get isOn() {
    return this.#editor.isOn;
  }

  async start() {
    this.#editing = null;
    await this.#editor.start("polygon");
    this.#page.dataset.placing = "draw";
    this.#bar.hidden = false;
    this.choose("polygon");
  }

  /** Another way of drawing. */
  choose(shape) {
    for (const button of this.#bar.querySelectorAll("[data-shape]")) {
      button.setAttribute("aria-pressed", String(button.dataset.shape === shape));
    }
    this.#editor.setMode(shape);
    this.#page.hint(HINTS[shape]);
    this.#map.getContainer().focus({ preventScroll: true });
  }

  /** To the next corner of the shape, or with -1 to the one before. */
  stepCorner(by) {
    this.#editor.stepCorner(by);
  }

  /** An area on the map was pressed. */
  async open(id) {
    const feature = this.#areas.get(id);
    if (!feature) return;
    const { name, severity, is_active, is_shared, owner, url } = feature.properties;
    const isMine = owner === me || (is_shared && "isStaff" in this.#page.dataset);
    if (!isMine) return say(format(gettext("“%(name)s” is an area that staff share."), { name }));
    this.#panel.open("area", gettext("Area of interest"), { takesFocus: false });
    this.#editing = id;
    this.#panel.fill("area", { name, severity, is_active, is_shared });
    this.#form.querySelector("[data-area-links]").hidden = false;
    this.#form.querySelector("[data-area-page]").href = url;
    const isEditable = await this.#editor.edit(feature.geometry);
    this.#form.querySelector("[data-shape-help]").hidden = !isEditable;
    if (!isEditable) return;
    this.#areas.hide(id, true);
    this.#page.hint(gettext("Drag the corners. By keyboard: [ and ] choose one, arrows move it, Enter saves"));
    this.#map.getContainer().focus({ preventScroll: true }); // what was focused is hidden now
  }

  stop() {
    if (this.#editing) this.#areas.hide(this.#editing, false);
    this.#editor.stop();
    this.#editing = null;
    delete this.#page.dataset.placing;
    this.#bar.hidden = true;
    this.#page.hint("");
  }

  submit(data) {
    const name = data.get("name").trim();
    const geometry = this.#editor.geometry ?? this.#areas.get(this.#editing)?.geometry;
    if (!name) return this.#panel.complain("area", gettext("Give it a name."), "name");
    if (!geometry) return this.#panel.complain("area", gettext("Draw its shape first."));
    const facts = { name, severity: Number(data.get("severity")), is_active: data.has("is_active"), is_shared: data.has("is_shared") };
    this.#save({ ...(this.#editing && { id: this.#editing }), ...facts, geometry });
    this.#panel.close();
  }

  /** Deletes the open area; for some seconds it can be had back. */
  delete() {
    const { geometry, properties } = this.#areas.get(this.#editing);
    const { name, severity, is_active, is_shared } = properties;
    socket.post({ type: "tracker.area.delete", feed: this.#page.dataset.watch, id: this.#editing });
    this.#panel.close();
    const undo = () => this.#save({ name, severity, is_active, is_shared, geometry });
    say(format(gettext("“%(name)s” is no longer watched."), { name }), "info", { label: gettext("Undo"), run: undo });
  }

  /** What the server refused: nothing drawn or typed is lost. */
  async refused({ id = null, geometry, ...facts }, error) {
    this.#panel.open("area", gettext("Area of interest"));
    this.#editing = id;
    this.#panel.fill("area", facts);
    this.#panel.complain("area", error.message, error.field);
    if ((await this.#editor.edit(geometry)) && id) this.#areas.hide(id, true);
  }

  get #bar() {
    return this.#page.querySelector("[data-draw-bar]");
  }

  get #form() {
    return this.#panel.form("area");
  }

  #save({ geometry: { type, coordinates }, ...facts }) {
    socket.post({ type: "tracker.area.save", feed: this.#page.dataset.watch, ...facts, geometry: { type, coordinates } });
  }

  /** The shape is there: now its name. */
  #describe() {
    this.#bar.hidden = true;
    this.#page.hint("");
    if (this.#panel.shown === "area") return;
    this.#form.reset();
    this.#form.querySelector("[data-area-links]").hidden = true;
    this.#form.querySelector("[data-shape-help]").hidden = false;
    this.#panel.open("area", gettext("New area of interest"));
    this.#panel.complain("area", "");
  }
}

/** Where one is, for eyes and for screen readers. */
function told({ number, count, lon, lat }) {
  const facts = { number, count, lat: degrees(lat), lon: degrees(lon) };
  if (lat < 0 && lon < 0) return format(gettext("Corner %(number)s of %(count)s, %(lat)s° S %(lon)s° W"), facts);
  if (lat < 0) return format(gettext("Corner %(number)s of %(count)s, %(lat)s° S %(lon)s° E"), facts);
  if (lon < 0) return format(gettext("Corner %(number)s of %(count)s, %(lat)s° N %(lon)s° W"), facts);
  return format(gettext("Corner %(number)s of %(count)s, %(lat)s° N %(lon)s° E"), facts);
}

const degrees = (value) => Math.abs(value).toLocaleString(language, { minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** A token as #rrggbb, which is what Terra Draw takes. */
function colourOf(element, token) {
  const probe = document.createElement("span");
  const pixel = document.createElement("canvas").getContext("2d");
  element.append(probe);
  probe.style.color = `var(${token})`;
  pixel.fillStyle = getComputedStyle(probe).color;
  probe.remove();
  pixel.fillRect(0, 0, 1, 1);
  const [red, green, blue] = pixel.getImageData(0, 0, 1, 1).data;
  return `#${[red, green, blue].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
