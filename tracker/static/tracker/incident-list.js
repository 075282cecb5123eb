/* The list beside the map: its accessible twin. It shows what the window shows, the worst first, and follows live. */
import { format, gettext, language, ngettext } from "../realtime/words.js";
import { NAMES, setSeverity } from "./severity.js";

const ROWS = 60; // the worst of many
const PAUSE = 400; // ms between two drawings
const AGO = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });
const UNITS = [["day", 86_400], ["hour", 3_600], ["minute", 60]];

export class IncidentList extends EventTarget {
  #page;
  #list;
  #sprite;
  #incidents; // their url
  #rows = new Map();
  #selected = null;
  #alerts = new Set();
  #items = [];
  #isFiltered = false;
  #timer = null;

  constructor({ page, sprite, incidents }) {
    super();
    this.#page = page;
    this.#list = page.querySelector("[data-list]");
    this.#sprite = sprite;
    this.#incidents = incidents;
    this.#list.replaceChildren();
    this.#list.addEventListener("click", (event) => this.#click(event));
    this.#list.addEventListener("keydown", (event) => this.#walk(event));
  }

  end() {
    clearTimeout(this.#timer);
  }

  /** What is in sight, in any order. */
  show(items, isFiltered) {
    this.#items = items;
    this.#isFiltered = isFiltered;
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#draw();
    }, PAUSE);
  }

  select(id) {
    this.#selected = id;
    this.#mark();
  }

  setAlerts(ids) {
    this.#alerts = new Set(ids);
    this.#mark();
  }

  announce(text) {
    this.#page.querySelector("[data-announcer]").textContent = text;
  }

  #draw() {
    const count = this.#items.length;
    const worst = this.#items.sort((one, other) => one.severity - other.severity || other.created - one.created).slice(0, ROWS);
    const rows = new Map();
    let before = null;
    for (const item of worst) {
      const row = this.#rows.get(item.id) ?? this.#make(item);
      this.#fill(row, item);
      const place = before ? before.nextElementSibling : this.#list.firstElementChild;
      if (row !== place) this.#list.insertBefore(row, place);
      rows.set(item.id, row);
      before = row;
    }
    for (const [id, row] of this.#rows) if (!rows.has(id)) row.remove();
    this.#rows = rows;
    this.#mark();
    this.#page.querySelector("[data-count]").textContent = counted(count);
    this.#page.querySelector("[data-scope]").textContent = scope(this.#isFiltered, count > ROWS);
    this.#page.querySelector("[data-empty]").hidden = count > 0;
  }

  #make(item) {
    const row = this.#page.querySelector('template[data-template="row"]').content.firstElementChild.cloneNode(true);
    row.dataset.incident = String(item.id);
    row.querySelector("a").href = `${this.#incidents}${item.id}/`;
    return row;
  }

  #fill(row, { severity, name, created }) {
    const shown = `${severity} ${name}`;
    if (row.dataset.shown !== shown) {
      setSeverity(row.querySelector(".severity"), severity, this.#sprite);
      row.querySelector(".incident-row__name").textContent = name;
      row.querySelector('[data-fact="severity"]').textContent = NAMES[severity];
      row.dataset.shown = shown;
    }
    const time = row.querySelector("time");
    time.dateTime = new Date(created * 1000).toISOString();
    time.textContent = ago(created);
  }

  #mark() {
    for (const [id, row] of this.#rows) {
      row.toggleAttribute("data-alert", this.#alerts.has(id));
      if (id === this.#selected) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    }
  }

  #click(event) {
    const row = event.target.closest("[data-incident]");
    if (!row || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.dispatchEvent(new CustomEvent("choose", { detail: Number(row.dataset.incident) }));
  }

  #walk(event) {
    const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
    const other = step && event.target.closest("[data-incident]")?.[step];
    if (!other) return;
    event.preventDefault();
    other.querySelector("a").focus();
  }
}

function counted(n) {
  return format(ngettext("%(n)s incident", "%(n)s incidents", n), { n: n.toLocaleString(language) });
}

/** Which ones are counted, and listed. */
function scope(isFiltered, isCut) {
  const facts = { rows: ROWS };
  if (isFiltered && isCut) return format(gettext("that match, in this part of the map, the %(rows)s worst listed"), facts);
  if (isFiltered) return gettext("that match, in this part of the map");
  return isCut ? format(gettext("in this part of the map, the %(rows)s worst listed"), facts) : gettext("in this part of the map");
}

export function ago(seconds) {
  const past = seconds - Date.now() / 1000;
  const [unit, size] = UNITS.find(([, size]) => Math.abs(past) >= size) ?? ["minute", 60];
  return AGO.format(Math.round(past / size), unit);
}
