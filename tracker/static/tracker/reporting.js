/*
 * Reporting an incident, and changing one: a pin on the map and a form beside it. It leaves as a command through the outbox, so
 * that a report made in a tunnel is sent later; what the server refuses comes back into the form.
 */
import { socket } from "../realtime/socket.js";
import { gettext } from "../realtime/words.js";
import { bringInSight } from "./in-sight.js";
import { locate, say } from "./page.js";
import { Placing } from "./placing.js";

export class Reporting {
  #page;
  #map;
  #panel;
  #placing;
  #editing = null; // the id of the incident that is changed

  constructor({ page, map, panel }) {
    this.#page = page;
    this.#map = map;
    this.#panel = panel;
    this.#placing = new Placing({ map, form: this.#form });
    map.getContainer().addEventListener("keydown", (event) => this.#placeByKey(event));
  }

  get isOn() {
    return this.#placing.isOn;
  }

  /** A new one, in the middle of the map; `values` come from a report that was refused. */
  start(values = {}) {
    this.#editing = null;
    this.#form.reset();
    this.#form.querySelector("[data-submit]").textContent = gettext("Report");
    this.#open(gettext("Report an incident"), values);
    const { lat, lng } = this.#map.getCenter();
    this.#put(values.lat ?? lat, values.lon ?? lng);
  }

  /** What is known of an incident, as `data-*` of its details. */
  edit({ id, name, description, severity, lat, lon }) {
    this.#editing = Number(id);
    this.#form.querySelector("[data-submit]").textContent = gettext("Save");
    this.#open(gettext("Change the incident"), { name, description, severity });
    this.#put(Number(lat), Number(lon));
  }

  stop() {
    this.#placing.stop();
    this.#editing = null;
    delete this.#page.dataset.placing;
    this.#page.hint("");
  }

  useLocation() {
    locate((lat, lon) => this.#put(lat, lon, 12));
  }

  submit(data) {
    const name = data.get("name").trim();
    const [lat, lon] = [Number.parseFloat(data.get("lat")), Number.parseFloat(data.get("lon"))];
    const complain = (message, field) => this.#panel.complain("incident", message, field);
    if (!name) return complain(gettext("Say in a few words what has happened."), "name");
    if (!(Math.abs(lat) <= 90)) return complain(gettext("A latitude lies between -90 and 90."), "lat");
    if (!(Math.abs(lon) <= 180)) return complain(gettext("A longitude lies between -180 and 180."), "lon");
    const facts = { name, description: data.get("description").trim(), severity: Number(data.get("severity")), lat, lon };
    const feed = this.#page.dataset.map;
    if (this.#editing) socket.post({ type: "tracker.incident.change", feed, id: this.#editing, ...facts });
    else socket.post({ type: "tracker.incident.report", feed, ...facts });
    this.#panel.close();
    if (socket.status !== "live") say(gettext("You are offline. It is sent as soon as you are back."));
  }

  /** A report was refused: nothing typed is lost. */
  refused(command, error) {
    this.start(command);
    this.#panel.complain("incident", error.message, error.field);
  }

  get #form() {
    return this.#panel.form("incident");
  }

  #open(title, values) {
    this.#panel.open("incident", title);
    this.#panel.fill("incident", values);
    this.#placing.start();
    this.#page.dataset.placing = "pin";
    this.#page.hint(gettext("Click on the map, or drag the pin"));
  }

  #put(lat, lon, zoom) {
    this.#placing.put(lat, lon);
    bringInSight(this.#map, this.#panel.element("incident"), { lat, lon }, { zoom });
  }

  #placeByKey(event) {
    if (event.key !== " " || !this.isOn || event.target !== this.#map.getContainer()) return;
    event.preventDefault();
    const { lat, lng } = this.#map.getCenter();
    this.#placing.put(lat, lng);
  }
}
