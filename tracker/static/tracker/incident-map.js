/*
 * The page of the map: it joins two feeds (the map's, and the reader's own areas and alerts), and hands what they say to the
 * parts beside this file. What the reader does leaves as commands, through the outbox: a report made in a tunnel is sent later.
 */
import { socket } from "../realtime/socket.js";
import { Alerts } from "./alerts.js";
import { AreaEditor } from "./area-editor.js";
import { AreaLayer } from "./area-layer.js";
import { BaseMap } from "./basemap.js";
import { Box } from "./box.js";
import { IncidentList } from "./incident-list.js";
import { IncidentStore } from "./incident-store.js";
import { L } from "./leaflet.js";
import { MapPanel } from "./map-panel.js";
import { MarkerLayer } from "./marker-layer.js";
import { Placing } from "./placing.js";
import { NAMES } from "./severity.js";
import { Viewport } from "./viewport.js";

const HOME = { lat: 25, lon: 10, zoom: 3 };
const CLOSE_UP = 8; // the zoom at which an incident is shown
const AGAIN = 3_000; // ms after a failed load
const TYPING = 300; // ms without a key, before words are searched for

class IncidentMap extends HTMLElement {
  #controller;
  #map;
  #store = new IncidentStore();
  #alerts = new Alerts();
  #viewport;
  #markers;
  #areas;
  #list;
  #panel;
  #placing;
  #editor;
  #feeds = [];
  #selected = null;
  #editing = null; // the incident or area that the open form is about
  #timers = new Set();

  connectedCallback() {
    this.#controller = new AbortController();
    this.#buildMap();
    this.#buildParts();
    this.#listen();
    this.#join();
    for (const controls of this.querySelectorAll("[data-controls]")) controls.hidden = false;
    this.#openFromAddress();
  }

  disconnectedCallback() {
    this.#controller.abort();
    for (const feed of this.#feeds) feed.leave();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#editor.stop();
    this.#markers.end();
    this.#list.end();
    this.#map.remove();
  }

  // What there is

  #buildMap() {
    const { lat, lon, zoom } = viewInAddress() ?? HOME;
    this.#map = L.map(this.querySelector("[data-canvas]"), {
      center: [lat, lon],
      zoom,
      minZoom: 2,
      maxZoom: this.dataset.tiles ? 18 : 14,
      zoomControl: false,
      attributionControl: false,
      worldCopyJump: true,
      maxBounds: [[-89, -Infinity], [89, Infinity]],
      fadeAnimation: false,
      zoomAnimation: !matchMedia("(prefers-reduced-motion: reduce)").matches,
    });
    new BaseMap({ coarse: this.dataset.coarse, fine: this.dataset.fine }).addTo(this.#map);
    let credit = "Natural Earth";
    if (this.dataset.tiles) {
      L.tileLayer(this.dataset.tiles, { maxZoom: 18 }).addTo(this.#map);
      credit = this.dataset.tileAttribution;
    }
    const attribution = Object.assign(document.createElement("p"), { className: "map-attribution", textContent: credit });
    this.#map.getContainer().append(attribution);
  }

  #buildParts() {
    const { sprite, worker, map: feed, points, incidents } = this.dataset;
    this.#markers = new MarkerLayer({ map: this.#map, store: this.#store, sprite, worker });
    this.#areas = new AreaLayer({ map: this.#map, me: this.#me });
    this.#list = new IncidentList({ page: this, sprite, incidents });
    this.#panel = new MapPanel(this);
    this.#placing = new Placing({ map: this.#map, form: this.#panel.form("incident") });
    this.#editor = new AreaEditor({ map: this.#map, colour: () => this.#colour("--map-area"), scripts: this.dataset.editor.split(" ") });
    this.#viewport = new Viewport({ socket, feed, url: points, store: this.#store });
    this.#store.setAreas((item) => this.#areas.isMine(item));
  }

  #join() {
    const { map, feed, rev, epoch } = this.dataset;
    this.#feeds = [
      socket.join(map, {
        onEvent: (frame) => frame.events && this.#viewport.receive(frame, (event) => this.#applyMap(event)),
        onLive: () => this.#viewport.live(),
        onReset: () => this.#viewport.reset(),
        onRefused: () => this.#say("The map is no longer open to you. Log in again.", "error"),
      }),
      socket.join(feed, {
        rev: Number(rev),
        epoch,
        onEvent: ({ events }) => this.#applyOwn(events),
        onReset: () => this.#areas.load(this.dataset.areas),
      }),
    ];
    this.#areas.load(this.dataset.areas).then(() => this.#showAreaInAddress(), reportError);
  }

  // What is told

  #applyMap(event) {
    const { model, pk } = event.feature.properties;
    if (model === "AreaOfInterest") return this.#areas.apply(event, true);
    const isVisible = this.#box.contains(place(event.feature));
    const item = this.#store.apply(event);
    if (item && event.created && isVisible) {
      this.#markers.welcome(item.id);
      this.#list.announce(`New: ${NAMES[item.severity]}, ${item.name}`);
    }
    if (!this.#store.get(pk)) this.#alerts.dismiss(pk);
    if (pk === this.#selected) this.#showDetails(pk, { isGone: event.type === "post_delete" });
  }

  #applyOwn(events) {
    const alerts = events.filter(({ type }) => type === "alert");
    for (const event of events) if (event.type.startsWith("post_")) this.#areas.apply(event, false);
    for (const alert of alerts) this.#alerts.add(alert);
    if (alerts.length) this.#tellAlerts(alerts);
  }

  #tellAlerts(alerts) {
    const worst = alerts.reduce((one, other) => (other.feature.properties.severity < one.feature.properties.severity ? other : one));
    const { pk, name, severity } = worst.feature.properties;
    const where = worst.areas_of_interest.map((area) => area.name).join(", ");
    const more = alerts.length > 1 ? ` and ${alerts.length - 1} more` : "";
    const toast = this.#say(`${NAMES[severity]}: ${name}${more}, in ${where}`, "warning");
    const show = Object.assign(document.createElement("button"), { type: "button", className: "button button--small", textContent: "Show" });
    show.addEventListener("click", () => (toast.remove(), this.#choose(pk, { place: place(worst.feature) })));
    toast?.querySelector("p").after(show);
    this.#alerts.ring(severity);
  }

  // What is shown

  get #me() {
    return Number(document.querySelector('meta[name="user-id"]')?.content) || null;
  }

  get #box() {
    return Box.of(this.#map.getBounds());
  }

  #refreshList() {
    const box = this.#box;
    this.#list.show(this.#store.shown().filter((item) => box.contains(item)), this.#store.isFiltered);
  }

  async #choose(id, { place = this.#store.get(id), isQuiet = false } = {}) {
    this.#select(id);
    this.#alerts.dismiss(id);
    if (place && (!this.#box.padded(-0.1).contains(place) || this.#map.getZoom() < 4)) {
      this.#map.flyTo([place.lat, place.lon], Math.max(this.#map.getZoom(), CLOSE_UP), { duration: 0.6 });
    }
    await this.#showDetails(id, { takesFocus: !isQuiet });
    this.setAttribute("data-show", "main");
  }

  #select(id) {
    this.#selected = id;
    this.#markers.select(id);
    this.#list.select(id);
    this.#writeAddress();
  }

  async #showDetails(id, { isGone = false, takesFocus = false } = {}) {
    const body = this.querySelector("[data-details]");
    if (isGone) {
      this.#panel.close();
      return this.#say("This incident was deleted.");
    }
    const response = await fetch(`${this.dataset.incidents}${id}/`, { headers: { "X-Part": "details" } });
    if (id !== this.#selected) return null;
    if (!response.ok) return this.#say("There is no such incident any more.", "warning");
    body.innerHTML = await response.text(); // a partial of our own server
    if (this.#panel.shown === null || this.#panel.shown === "details") {
      this.#panel.open("details", "Incident", { takesFocus: takesFocus && this.#panel.shown !== "details" });
    }
    return body.querySelector("[data-place]")?.dataset;
  }

  #say(text, level = "info") {
    return document.querySelector("toast-area")?.show(text, level);
  }

  #hint(text) {
    const hint = this.querySelector("[data-hint]");
    hint.hidden = !text;
    hint.textContent = text;
  }

  #colour(token) {
    const probe = document.createElement("canvas").getContext("2d");
    const element = Object.assign(document.createElement("span"), { hidden: true });
    this.append(element);
    element.style.color = `var(${token})`;
    probe.fillStyle = getComputedStyle(element).color;
    element.remove();
    probe.fillRect(0, 0, 1, 1);
    return `#${[...probe.getImageData(0, 0, 1, 1).data].slice(0, 3).map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  }

  // What is done

  #listen() {
    const { signal } = this.#controller;
    this.#map.on("moveend", () => {
      this.#viewport.show(this.#box);
      this.#refreshList();
      this.#writeAddress();
    });
    this.#store.addEventListener("change", () => this.#refreshList());
    this.#areas.addEventListener("change", () => this.#store.setAreas((item) => this.#areas.isMine(item)));
    this.#areas.addEventListener("choose", ({ detail }) => this.#placing.isOn || this.#editor.isOn || this.#openArea(detail));
    this.#alerts.addEventListener("change", () => {
      this.#markers.setAlerts(this.#alerts.ids);
      this.#list.setAlerts(this.#alerts.ids);
    });
    for (const part of [this.#markers, this.#list]) part.addEventListener("choose", ({ detail }) => this.#choose(detail));
    this.#viewport.addEventListener("loaded", ({ detail }) => detail.is_cut && this.#say("Only the newest incidents are shown: zoom in for all."));
    this.#viewport.addEventListener("failed", () => this.#later(() => this.#viewport.show(this.#box), AGAIN));
    this.#viewport.show(this.#box);
    this.#panel.addEventListener("closed", ({ detail }) => this.#closed(detail));
    this.#editor.addEventListener("drawn", () => this.#describeArea());
    this.addEventListener("click", (event) => this.#click(event), { signal });
    this.addEventListener("submit", (event) => this.#submit(event), { signal });
    this.addEventListener("keydown", (event) => event.key === "Escape" && !event.defaultPrevented && this.#giveUp(), { signal });
    this.#map.getContainer().addEventListener("keydown", (event) => this.#placeByKey(event), { signal });
    const filters = this.querySelector("[data-filters]");
    filters.addEventListener("input", ({ target }) => this.#filter(filters, target), { signal });
    socket.addEventListener("acked", ({ detail }) => this.#acked(detail), { signal });
    socket.addEventListener("failed", ({ detail }) => this.#failed(detail), { signal });
    socket.addEventListener("queued", ({ detail }) => detail.restored && isOurs(detail.command) && this.#say("Something you wrote earlier is being sent."), { signal });
    this.querySelector('[data-act="sound"]').setAttribute("aria-pressed", String(this.#alerts.hasSound));
  }

  #filter(form, changed) {
    if (changed.name === "q") {
      clearTimeout(this.typing);
      this.typing = this.#later(() => this.#viewport.search(changed.value), TYPING);
      return;
    }
    const data = new FormData(form);
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
    if (pane) this.#showPane(pane);
    else if (shape) this.#chooseShape(button);
    else this.#act(act, button);
  }

  #act(act, button) {
    const acts = {
      "report": () => this.#startReport(),
      "draw": () => this.#startDrawing(),
      "cancel-draw": () => this.#giveUp(),
      "close-panel": () => this.#giveUp(),
      "locate": () => this.#locate((lat, lon) => this.#map.flyTo([lat, lon], 10)),
      "use-location": () => this.#locate((lat, lon) => (this.#placing.put(lat, lon), this.#map.setView([lat, lon], 12))),
      "zoom-in": () => this.#map.zoomIn(),
      "zoom-out": () => this.#map.zoomOut(),
      "sound": () => this.#toggleSound(button),
      "edit-incident": () => this.#startEdit(button.closest("[data-place]")),
      "close-incident": () => this.#change(button, { closed: true }),
      "reopen-incident": () => this.#change(button, { closed: false }),
      "copy-link": () => this.#copy(location.href),
      "delete-area": () => this.#deleteArea(),
    };
    acts[act]?.();
  }

  #showPane(pane) {
    this.dataset.show = pane;
    if (pane === "main") this.#map.invalidateSize();
  }

  #toggleSound(button) {
    this.#alerts.hasSound = !this.#alerts.hasSound;
    button.setAttribute("aria-pressed", String(this.#alerts.hasSound));
    this.#alerts.ring(2);
  }

  async #copy(text) {
    await navigator.clipboard.writeText(text);
    this.#say("Link copied", "success");
  }

  #locate(then) {
    if (!navigator.geolocation) return this.#say("This browser cannot say where you are.", "warning");
    const found = ({ coords }) => then(coords.latitude, coords.longitude);
    const refused = ({ code }) => this.#say(code === 1 ? "You have not allowed this page to know where you are." : "Where you are could not be found out.", "warning");
    navigator.geolocation.getCurrentPosition(found, refused, { timeout: 10_000, maximumAge: 60_000 });
  }

  /** Escape, or a button that says so: one step back. */
  #giveUp() {
    if (this.#editor.isOn && this.#panel.shown !== "area") return this.#stopDrawing();
    this.#panel.close();
  }

  #closed(panel) {
    if (panel === "details") this.#select(null);
    if (panel === "incident") this.#stopPlacing();
    if (panel === "area") this.#stopDrawing();
  }

  // Reporting, and changing an incident

  #startReport(values = {}) {
    this.#stopDrawing();
    this.#editing = null;
    const form = this.#panel.form("incident");
    form.reset();
    form.querySelector("[data-submit]").textContent = "Report";
    this.#startPlacing("Report an incident", values);
    const { lat, lng } = this.#map.getCenter();
    this.#placing.put(values.lat ?? lat, values.lon ?? lng);
  }

  #startEdit({ dataset }) {
    this.#editing = Number(dataset.id);
    this.#panel.form("incident").querySelector("[data-submit]").textContent = "Save";
    this.#startPlacing("Change the incident", { name: dataset.name, description: dataset.description, severity: dataset.severity });
    this.#placing.put(Number(dataset.lat), Number(dataset.lon));
  }

  #startPlacing(title, values) {
    this.#panel.open("incident", title);
    this.#panel.fill("incident", values);
    this.#placing.start();
    this.dataset.placing = "";
    this.#hint("Click on the map, or drag the pin");
  }

  #stopPlacing() {
    this.#placing.stop();
    this.#editing = null;
    delete this.dataset.placing;
    this.#hint("");
  }

  #placeByKey(event) {
    if (event.key !== " " || !this.#placing.isOn || event.target !== this.#map.getContainer()) return;
    event.preventDefault();
    const { lat, lng } = this.#map.getCenter();
    this.#placing.put(lat, lng);
  }

  #submit(event) {
    const kind = event.target.dataset.form;
    if ("filters" in event.target.dataset) return event.preventDefault();
    if (!kind) return;
    event.preventDefault();
    if (kind === "incident") this.#sendIncident(new FormData(event.target));
    else this.#sendArea(new FormData(event.target));
  }

  #sendIncident(data) {
    const name = data.get("name").trim();
    const [lat, lon] = [Number.parseFloat(data.get("lat")), Number.parseFloat(data.get("lon"))];
    if (!name) return this.#panel.complain("incident", "Say in a few words what has happened.", "name");
    if (!(Math.abs(lat) <= 90)) return this.#panel.complain("incident", "A latitude lies between -90 and 90.", "lat");
    if (!(Math.abs(lon) <= 180)) return this.#panel.complain("incident", "A longitude lies between -180 and 180.", "lon");
    const facts = { name, description: data.get("description").trim(), severity: Number(data.get("severity")), lat, lon };
    const feed = this.dataset.map;
    if (this.#editing) socket.post({ type: "tracker.incident.change", feed, id: this.#editing, ...facts });
    else socket.post({ type: "tracker.incident.report", feed, ...facts });
    this.#panel.close();
    if (socket.status !== "live") this.#say("You are offline. It is sent as soon as you are back.");
  }

  #change(button, facts) {
    const { id } = button.closest("[data-place]").dataset;
    socket.post({ type: "tracker.incident.change", feed: this.dataset.map, id: Number(id), ...facts });
  }

  // Drawing, and changing an area

  async #startDrawing() {
    this.#panel.close();
    this.#editing = null;
    await this.#editor.start("polygon");
    this.dataset.placing = "draw";
    this.querySelector("[data-draw-bar]").hidden = false;
    this.#chooseShape(this.querySelector('[data-shape="polygon"]'));
  }

  #chooseShape(button) {
    for (const other of this.querySelectorAll("[data-shape]")) other.setAttribute("aria-pressed", String(other === button));
    this.#editor.setMode(button.dataset.shape);
    const hints = {
      polygon: "Click the corners; click the first one again to finish. By keyboard: Space for each, then Enter",
      rectangle: "Click one corner, then the opposite one",
      circle: "Click the middle, then the rim",
      freehand: "Click, draw around, click again",
    };
    this.#hint(hints[button.dataset.shape]);
    this.#map.getContainer().focus({ preventScroll: true });
  }

  #describeArea() {
    this.querySelector("[data-draw-bar]").hidden = true;
    this.#hint("");
    if (this.#panel.shown === "area") return;
    const form = this.#panel.form("area");
    form.reset();
    form.querySelector("[data-area-links]").hidden = true;
    form.querySelector("[data-shape-help]").hidden = false;
    this.#panel.open("area", "New area of interest");
    this.#panel.complain("area", "");
  }

  async #openArea(id) {
    const feature = this.#areas.get(id);
    if (!feature) return;
    const { name, severity, is_active, is_shared, owner, url } = feature.properties;
    if (owner !== this.#me && !(is_shared && "isStaff" in this.dataset)) return this.#say(`“${name}” is an area that staff share.`);
    this.#panel.open("area", "Area of interest", { takesFocus: false });
    this.#editing = id;
    this.#panel.fill("area", { name, severity, is_active, is_shared });
    const form = this.#panel.form("area");
    form.querySelector("[data-area-links]").hidden = false;
    form.querySelector("[data-area-page]").href = url;
    const isEditable = await this.#editor.edit(feature.geometry);
    form.querySelector("[data-shape-help]").hidden = !isEditable;
    if (isEditable) this.#areas.hide(id, true);
  }

  #stopDrawing() {
    if (this.#editing) this.#areas.hide(this.#editing, false);
    this.#editor.stop();
    this.#editing = null;
    delete this.dataset.placing;
    this.querySelector("[data-draw-bar]").hidden = true;
    this.#hint("");
  }

  #sendArea(data) {
    const name = data.get("name").trim();
    const geometry = this.#editor.geometry ?? this.#areas.get(this.#editing)?.geometry;
    if (!name) return this.#panel.complain("area", "Give it a name.", "name");
    if (!geometry) return this.#panel.complain("area", "Draw its shape first.");
    const id = this.#editing;
    const facts = { name, severity: Number(data.get("severity")), is_active: data.has("is_active"), is_shared: data.has("is_shared") };
    socket.post({ type: "tracker.area.save", feed: this.dataset.feed, ...(id && { id }), ...facts, geometry: { type: geometry.type, coordinates: geometry.coordinates } });
    this.#panel.close();
  }

  #deleteArea() {
    const { geometry, properties } = this.#areas.get(this.#editing);
    const { name, severity, is_active, is_shared } = properties;
    socket.post({ type: "tracker.area.delete", feed: this.dataset.feed, id: this.#editing });
    this.#panel.close();
    const toast = this.#say(`“${name}” is no longer watched.`);
    const undo = Object.assign(document.createElement("button"), { type: "button", className: "button button--small", textContent: "Undo" });
    undo.addEventListener("click", () => {
      socket.post({ type: "tracker.area.save", feed: this.dataset.feed, name, severity, is_active, is_shared, geometry });
      toast.remove();
    });
    toast?.querySelector("p").after(undo);
  }

  // What became of it

  #acked({ command, ack }) {
    if (command.type === "tracker.incident.report" && ack.id) {
      this.#say("It is on the map.", "success");
      this.#choose(ack.id, { place: command, isQuiet: true });
    }
    if (command.type === "tracker.area.save") this.#say(`“${command.name}” is watched.`, "success");
  }

  #failed({ client_id, command, error }) {
    if (!isOurs(command)) return;
    socket.discard(client_id);
    this.#say(error.message ?? "That was refused.", "error");
    if (command.type === "tracker.incident.report") {
      this.#startReport(command);
      this.#panel.complain("incident", error.message, error.field);
    }
  }

  // The address: where the map is, and what is chosen

  #writeAddress() {
    const { lat, lng } = this.#map.getCenter().wrap();
    const url = new URL(location.href);
    url.hash = `map=${this.#map.getZoom()}/${lat.toFixed(4)}/${lng.toFixed(4)}`;
    url.searchParams.delete("area");
    if (this.#selected) url.searchParams.set("incident", this.#selected);
    else url.searchParams.delete("incident");
    history.replaceState(history.state, "", url);
  }

  async #openFromAddress() {
    const id = Number(new URL(location.href).searchParams.get("incident"));
    if (!id) return;
    const hasView = viewInAddress();
    this.#select(id);
    const found = await this.#showDetails(id);
    if (found?.lat && !hasView) this.#map.setView([Number(found.lat), Number(found.lon)], CLOSE_UP);
  }

  #showAreaInAddress() {
    const bounds = this.#areas.bounds(this.#areaInAddress);
    if (bounds?.isValid()) this.#map.fitBounds(bounds.pad(0.2));
  }

  #areaInAddress = Number(new URL(location.href).searchParams.get("area"));

  #later(task, wait) {
    const timer = setTimeout(() => (this.#timers.delete(timer), task()), wait);
    this.#timers.add(timer);
    return timer;
  }
}

const isOurs = (command) => command.type.startsWith("tracker.");

const place = ({ geometry }) => ({ lon: geometry?.coordinates[0], lat: geometry?.coordinates[1] });

function viewInAddress() {
  const found = /^#map=(\d+(?:\.\d+)?)\/(-?\d+(?:\.\d+)?)\/(-?\d+(?:\.\d+)?)$/u.exec(location.hash);
  return found && { zoom: Number(found[1]), lat: Number(found[2]), lon: Number(found[3]) };
}

customElements.define("incident-map", IncidentMap);
