/*
 * The page of the map. It joins two feeds (the map's, and the reader's own areas and alerts), and hands what they say, and what
 * the reader does, to the parts beside this file.
 */
import { socket } from "../realtime/socket.js";
import { format, gettext } from "../realtime/words.js";
import { idInAddress, viewInAddress, writeAddress } from "./address.js";
import { Alerts } from "./alerts.js";
import { AreaLayer } from "./area-layer.js";
import { BaseMap } from "./basemap.js";
import { Box } from "./box.js";
import { Drawing } from "./drawing.js";
import { bringInSight } from "./in-sight.js";
import { IncidentList } from "./incident-list.js";
import { IncidentStore } from "./incident-store.js";
import { L } from "./leaflet.js";
import { MapPanel } from "./map-panel.js";
import { MarkerLayer } from "./marker-layer.js";
import { locate, me, say } from "./page.js";
import { Reporting } from "./reporting.js";
import { NAMES } from "./severity.js";
import { Viewport } from "./viewport.js";

const HOME = { lat: 25, lon: 10, zoom: 3 };
const CLOSE_UP = 8; // the zoom at which an incident is shown
const TYPING = 300; // ms without a key, before words are searched for
const MINUTE = 60_000; // ms; ages are shown in minutes

class IncidentMap extends HTMLElement {
  #controller;
  #map;
  #store = new IncidentStore();
  #alerts = new Alerts();
  #panel = new MapPanel(this);
  #viewport;
  #markers;
  #areas;
  #list;
  #reporting;
  #drawing;
  #watch;
  #selected = null;
  #typing = null;
  #note = null;
  #clock;

  connectedCallback() {
    this.#controller = new AbortController();
    this.#map = buildMap(this);
    this.#build();
    this.#listen(this.#controller.signal);
    for (const controls of this.querySelectorAll("[data-controls]")) controls.hidden = false;
    this.#open();
  }

  disconnectedCallback() {
    this.#controller.abort();
    clearTimeout(this.#typing);
    clearInterval(this.#clock);
    this.#watch.leave();
    this.#drawing.stop();
    for (const part of [this.#viewport, this.#markers, this.#list]) part.end();
    this.#map.remove();
  }

  /** One line over the map; "" takes it away. */
  hint(text) {
    const hint = this.querySelector("[data-hint]");
    hint.hidden = !text;
    hint.textContent = text;
  }

  #build() {
    const { sprite, worker, map: feed, points, incidents } = this.dataset;
    const [map, panel, store] = [this.#map, this.#panel, this.#store];
    this.#markers = new MarkerLayer({ map, store, sprite, worker });
    this.#areas = new AreaLayer({ map, me });
    this.#list = new IncidentList({ page: this, sprite, incidents });
    this.#reporting = new Reporting({ page: this, map, panel });
    this.#drawing = new Drawing({ page: this, map, panel, areas: this.#areas });
    this.#viewport = new Viewport({ socket, feed, url: points, store, onEvent: (event, rev) => this.#applyMap(event, rev) });
    store.setAreas((item) => this.#areas.isMine(item));
  }

  #listen(signal) {
    this.#map.on("moveend", () => this.#moved());
    this.#store.addEventListener("change", () => this.#refreshList());
    this.#areas.addEventListener("change", () => this.#store.setAreas((item) => this.#areas.isMine(item)));
    this.#areas.addEventListener("choose", ({ detail }) => this.#reporting.isOn || this.#drawing.isOn || this.#drawing.open(detail));
    this.#alerts.addEventListener("change", () => {
      for (const part of [this.#markers, this.#list]) part.setAlerts(this.#alerts.ids);
    });
    for (const part of [this.#markers, this.#list]) part.addEventListener("choose", ({ detail }) => this.#choose(detail));
    this.#viewport.addEventListener("loaded", ({ detail }) => {
      this.dataset.ready = "";
      if (detail.is_cut) say(gettext("Only the newest are shown. Zoom in for all."));
    });
    this.#viewport.addEventListener("reset", () => this.#areas.load(this.dataset.areas).catch(reportError));
    this.#viewport.addEventListener("refused", () => say(gettext("The map is no longer open to you. Log in again."), "error"));
    this.#panel.addEventListener("closed", ({ detail }) => this.#closed(detail));
    this.addEventListener("click", (event) => this.#click(event), { signal });
    this.addEventListener("submit", (event) => this.#submit(event), { signal });
    this.addEventListener("keydown", (event) => event.key === "Escape" && !event.defaultPrevented && this.#giveUp(), { signal });
    this.querySelector("[data-filters]").addEventListener("input", ({ target }) => this.#filter(target), { signal });
    addEventListener("click", (event) => this.#follow(event), { signal });
    addEventListener("hashchange", () => this.#look(), { signal });
    socket.addEventListener("acked", ({ detail }) => this.#acked(detail), { signal });
    socket.addEventListener("failed", ({ detail }) => this.#failed(detail), { signal });
    socket.addEventListener("queued", ({ detail }) => this.#queued(detail), { signal });
  }

  #open() {
    const { watch, rev, epoch, areas } = this.dataset;
    this.#watch = socket.join(watch, {
      rev: Number(rev),
      epoch,
      onEvent: (frame) => this.#applyOwn(frame),
      onReset: () => this.#areas.load(areas),
    });
    this.#clock = setInterval(() => this.#store.setFilters({}), MINUTE); // what is too old by now leaves
    const area = idInAddress("area");
    this.#viewport.show(this.#box);
    this.#areas.load(areas).then(() => this.#showArea(area), reportError);
    this.#openIncident(idInAddress("incident"));
    this.querySelector('[data-act="sound"]').setAttribute("aria-pressed", String(this.#alerts.hasSound));
  }

  // What is told

  #applyMap(event, rev) {
    const { model, pk } = event.feature.properties;
    if (model === "AreaOfInterest") return this.#areas.apply(event, { rev, isShared: true });
    const item = this.#store.apply(event);
    if (item && event.created && this.#box.contains(item)) {
      this.#markers.welcome(pk);
      this.#list.announce(format(gettext("New: %(severity)s, %(name)s"), { severity: NAMES[item.severity], name: item.name }));
    }
    if (!this.#store.get(pk)) this.#alerts.dismiss(pk);
    if (pk !== this.#selected) return;
    if (event.type === "post_save") return this.#showDetails(pk);
    this.#panel.close();
    say(gettext("This incident was deleted."));
  }

  #applyOwn({ rev, events }) {
    for (const event of events) if (event.type.startsWith("post_")) this.#areas.apply(event, { rev });
    const alerts = events.filter(({ type }) => type === "alert");
    if (!alerts.length) return;
    const { feature, text } = this.#alerts.add(alerts);
    if (document.querySelector("notification-bell")) return; // it says so, unless its reader wants to be left alone
    this.#note?.remove(); // the latest is enough: all are marked
    this.#note = say(text, "warning", { label: gettext("Show"), run: () => this.#choose(feature.properties.pk) });
  }

  // What is shown

  get #box() {
    return Box.of(this.#map.getBounds());
  }

  #moved() {
    if (!this.#map.getContainer().offsetWidth) return; // a phone shows the list in its place
    this.#viewport.show(this.#box);
    this.#refreshList();
    this.#writeAddress();
  }

  #refreshList() {
    const box = this.#box;
    this.#list.show(this.#store.shown().filter((item) => box.contains(item)), this.#store.isFiltered);
  }

  #writeAddress() {
    const { lat, lng: lon } = this.#map.getCenter().wrap();
    writeAddress({ zoom: this.#map.getZoom(), lat, lon, incident: this.#selected });
  }

  async #choose(id, { isQuiet = false } = {}) {
    this.#select(id);
    this.#alerts.dismiss(id);
    this.dataset.show = "main";
    this.#map.invalidateSize();
    const facts = await this.#showDetails(id, { takesFocus: !isQuiet });
    if (facts) this.#bringInSight(facts, { isAnimated: true });
  }

  /** Where an incident is; closer, unless it is in the window already and that is close enough to see where. */
  #bringInSight(facts, { isAnimated = false } = {}) {
    const [lat, lon] = [Number(facts.lat), Number(facts.lon)];
    const isNear = this.#box.contains({ lat, lon }) && this.#map.getZoom() >= 4;
    const zoom = isNear ? this.#map.getZoom() : Math.max(this.#map.getZoom(), CLOSE_UP);
    bringInSight(this.#map, this.#panel.element("details"), { lat, lon: this.#nearest(lon) }, { zoom, isAnimated });
  }

  /** The same meridian, on the copy of the map that is in sight. */
  #nearest(lon) {
    return lon + 360 * Math.round((this.#map.getCenter().lng - lon) / 360);
  }

  #select(id) {
    this.#selected = id;
    for (const part of [this.#markers, this.#list]) part.select(id);
    this.#writeAddress();
  }

  /** Reads the details afresh; resolves to their `data-*`. */
  async #showDetails(id, { takesFocus = false } = {}) {
    const response = await fetch(`${this.dataset.incidents}${id}/`, { headers: { "X-Part": "details" } });
    if (id !== this.#selected) return null;
    if (!response.ok) {
      this.#panel.close();
      say(gettext("There is no such incident any more."), "warning");
      return null;
    }
    const body = this.querySelector("[data-details]");
    body.innerHTML = await response.text(); // a partial of our own server
    const isFree = this.#panel.shown === null || this.#panel.shown === "details";
    if (isFree) this.#panel.open("details", gettext("Incident"), { takesFocus: takesFocus && this.#panel.shown === null });
    return body.querySelector("[data-place]").dataset;
  }

  async #openIncident(id) {
    if (!id) return;
    const hadView = viewInAddress();
    this.#select(id);
    const facts = await this.#showDetails(id);
    if (facts && !hadView) this.#bringInSight(facts);
  }

  /** The address was changed by hand, or by going back. */
  #look() {
    const view = viewInAddress();
    if (view) this.#map.setView([view.lat, view.lon], view.zoom);
  }

  /** A link to what is on this very page, as the bell has them, needs no other. */
  #follow(event) {
    const link = event.target.closest("a[href]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (link.origin !== location.origin || link.pathname !== location.pathname) return;
    const [incident, area] = ["incident", "area"].map((kind) => idInAddress(kind, link.href));
    if (!incident && !area) return;
    event.preventDefault();
    link.closest("[popover]")?.hidePopover();
    link.closest(".toast")?.remove();
    if (incident) this.#choose(incident);
    else this.#showArea(area);
  }

  #showArea(id) {
    const bounds = this.#areas.bounds(id);
    if (bounds?.isValid()) this.#map.fitBounds(bounds.pad(0.2));
  }

  // What is done

  #filter(changed) {
    clearTimeout(this.#typing);
    if (changed.name === "q") {
      this.#typing = setTimeout(() => this.#viewport.search(changed.value), TYPING);
      return;
    }
    const data = new FormData(changed.form);
    this.#store.setFilters({
      severities: new Set(data.getAll("severity").map(Number)),
      hours: Number(data.get("hours")),
      isMine: data.has("mine"),
    });
  }

  #click(event) {
    const button = event.target.closest("[data-act], [data-pane], [data-shape]");
    if (!button) return;
    const { act, pane, shape } = button.dataset;
    if (act && this.#acts[act]) {
      event.preventDefault(); // links and forms do without us, too
      this.#acts[act](button);
    }
    if (shape) this.#drawing.choose(shape);
    if (pane) {
      this.dataset.show = pane;
      if (pane === "main") this.#map.invalidateSize();
    }
  }

  #acts = {
    "report": () => (this.#giveUp(), this.#reporting.start()),
    "draw": () => (this.#giveUp(), this.#drawing.start()),
    "cancel-draw": () => this.#giveUp(),
    "close-panel": () => this.#giveUp(),
    "locate": () => locate((lat, lon) => this.#map.flyTo([lat, lon], 10)),
    "use-location": () => this.#reporting.useLocation(),
    "zoom-in": () => this.#map.zoomIn(),
    "zoom-out": () => this.#map.zoomOut(),
    "sound": (button) => button.setAttribute("aria-pressed", String(this.#alerts.toggleSound())),
    "edit-incident": (button) => this.#reporting.edit(button.closest("[data-place]").dataset),
    "close-incident": (button) => this.#change(button, { closed: true }),
    "reopen-incident": (button) => this.#change(button, { closed: false }),
    "previous-corner": () => this.#drawing.stepCorner(-1),
    "next-corner": () => this.#drawing.stepCorner(1),
    "delete-area": () => this.#drawing.delete(),
  };

  #change(button, facts) {
    const { id } = button.closest("[data-place]").dataset;
    socket.post({ type: "tracker.incident.change", feed: this.dataset.map, id: Number(id), ...facts });
  }

  #submit(event) {
    const { form, filters } = event.target.dataset;
    if (form || filters !== undefined) event.preventDefault();
    if (form) (form === "incident" ? this.#reporting : this.#drawing).submit(new FormData(event.target));
  }

  /** Escape, or a button that says so. */
  #giveUp() {
    if (this.#drawing.isOn && this.#panel.shown !== "area") this.#drawing.stop();
    this.#panel.close();
  }

  #closed(panel) {
    if (panel === "details") this.#select(null);
    if (panel === "incident") this.#reporting.stop();
    if (panel === "area") this.#drawing.stop();
  }

  // What became of it

  #acked({ command, ack }) {
    if (command.type === "tracker.area.save") say(format(gettext("“%(name)s” is watched."), { name: command.name }), "success");
    if (command.type !== "tracker.incident.report" || !ack.id) return;
    say(gettext("It is on the map."), "success");
    this.#choose(ack.id, { isQuiet: true });
  }

  #failed({ client_id, command, error }) {
    if (!command.type.startsWith("tracker.")) return;
    socket.discard(client_id);
    say(error.message ?? gettext("That was refused."), "error");
    if (command.type === "tracker.incident.report") this.#reporting.refused(command, error);
    if (command.type === "tracker.area.save") this.#drawing.refused(command, error);
  }

  #queued({ command, restored }) {
    if (restored && command.type.startsWith("tracker.")) say(gettext("Something you wrote earlier is being sent."));
  }
}

function buildMap(page) {
  const { tiles, tileAttribution, coarse, fine } = page.dataset;
  const { lat, lon, zoom } = viewInAddress() ?? HOME;
  const map = L.map(page.querySelector("[data-canvas]"), {
    center: [lat, lon],
    zoom,
    minZoom: 2,
    maxZoom: tiles ? 18 : 14,
    zoomControl: false,
    attributionControl: false,
    worldCopyJump: true,
    maxBounds: [[-89, -Infinity], [89, Infinity]],
    fadeAnimation: false,
    zoomAnimation: !matchMedia("(prefers-reduced-motion: reduce)").matches,
  });
  new BaseMap({ coarse, fine }).addTo(map);
  if (tiles) L.tileLayer(tiles, { maxZoom: 18 }).addTo(map);
  const credit = Object.assign(document.createElement("p"), { className: "map-attribution", textContent: tileAttribution ?? "Natural Earth" });
  map.getContainer().append(credit);
  return map;
}

customElements.define("incident-map", IncidentMap);
