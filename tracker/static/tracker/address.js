/* The address of the map page: where it looks in the hash (`#map=5/52.1/4.3`), what is chosen in the query. */
const VIEW = /^#map=(\d+(?:\.\d+)?)\/(-?\d+(?:\.\d+)?)\/(-?\d+(?:\.\d+)?)$/u;

/** `{zoom, lat, lon}` or null. */
export function viewInAddress() {
  const found = VIEW.exec(location.hash);
  return found && { zoom: Number(found[1]), lat: Number(found[2]), lon: Number(found[3]) };
}

/** The id of the "incident" or "area" that an address names; 0 for none. */
export function idInAddress(kind, address = location.href) {
  return Number(new URL(address).searchParams.get(kind)) || 0;
}

export function writeAddress({ zoom, lat, lon, incident }) {
  const url = new URL(location.href);
  url.hash = `map=${zoom}/${lat.toFixed(4)}/${lon.toFixed(4)}`;
  url.searchParams.delete("area");
  if (incident) url.searchParams.set("incident", incident);
  else url.searchParams.delete("incident");
  history.replaceState(history.state, "", url);
}
