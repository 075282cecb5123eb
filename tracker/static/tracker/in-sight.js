/** Moves the map so that a place is seen: inside of the window, and not under a panel that covers its lower part. */
export function bringInSight(map, panel, { lat, lon }, { zoom = map.getZoom(), isAnimated = false } = {}) {
  const size = map.getSize();
  const covered = panel.offsetWidth > size.x * 0.8 ? panel.offsetHeight : 0;
  const at = map.latLngToContainerPoint([lat, lon]);
  const margin = 40; // px
  const isSeen = at.x > margin && at.x < size.x - margin && at.y > margin && at.y < size.y - covered - margin;
  if (isSeen && zoom === map.getZoom()) return;
  const middle = map.unproject(map.project([lat, lon], zoom).add([0, covered / 2]), zoom);
  const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (isAnimated && !isCalm) map.flyTo(middle, zoom, { duration: 0.6 });
  else map.setView(middle, zoom);
}
