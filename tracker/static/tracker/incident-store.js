/**
 * The open incidents that this page knows of, and which of them the filters let through. No DOM here.
 * An item: `{id, lon, lat, severity, created, name}`; `created` in seconds since 1970.
 */
export class IncidentStore extends EventTarget {
  #items = new Map();
  #filters = { severities: new Set([1, 2, 3, 4, 5]), hours: 0, isMine: false };
  #words = [];
  #isInMyAreas = () => true;

  /** Replaces everything, with what `/tracker/points` answered. */
  replace({ ids, lon, lat, severity, created, name }) {
    this.#items = new Map(
      ids.map((id, i) => [
        id,
        { id, lon: lon[i], lat: lat[i], severity: severity[i], created: created[i], name: name[i] },
      ]),
    );
    this.#changed();
  }

  /** Applies one event of the map. Returns the item if it is new here, else null. */
  apply({ type, feature }) {
    const { pk, model, closed, severity, name, created, description } = feature.properties;
    if (model !== "Incident") return null;
    const isNew = !this.#items.has(pk);
    if (type === "post_delete" || closed || !this.#matches(name, description)) {
      if (this.#items.delete(pk)) this.#changed();
      return null;
    }
    const [lon, lat] = feature.geometry.coordinates;
    const item = { id: pk, lon, lat, severity, created: Date.parse(created) / 1000, name };
    this.#items.set(pk, item);
    this.#changed();
    return isNew ? item : null;
  }

  /** Forgets what lies outside of a box: nobody tells us of it any more. */
  keepWithin(box) {
    for (const item of this.#items.values()) if (!box.contains(item)) this.#items.delete(item.id);
    this.#changed();
  }

  get(id) {
    return this.#items.get(id);
  }

  get size() {
    return this.#items.size;
  }

  /** Words that the server has filtered by; what comes live is filtered here. */
  setWords(text) {
    this.#words = text.toLowerCase().split(/\s+/u).filter(Boolean);
  }

  /** `severities` to show, `hours` of age (0: any), `isMine`: only what is in one's own areas. */
  setFilters(filters) {
    this.#filters = { ...this.#filters, ...filters };
    this.#changed();
  }

  /** How to find out whether an item is in one's own areas. */
  setAreas(isInMyAreas) {
    this.#isInMyAreas = isInMyAreas;
    if (this.#filters.isMine) this.#changed();
  }

  /** The items that the filters let through. */
  shown() {
    const { severities, hours, isMine } = this.#filters;
    const oldest = hours ? Date.now() / 1000 - hours * 3600 : -Infinity;
    return [...this.#items.values()].filter(
      (item) => severities.has(item.severity) && item.created >= oldest && (!isMine || this.#isInMyAreas(item)),
    );
  }

  get isFiltered() {
    const { severities, hours, isMine } = this.#filters;
    return severities.size < 5 || hours > 0 || isMine || this.#words.length > 0;
  }

  #matches(name, description = "") {
    const text = `${name}\n${description}`.toLowerCase();
    return this.#words.every((word) => text.includes(word));
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
