/* A worker: gathers very many incidents into clusters, so that the page stays smooth while it does. */
import "../vendor/supercluster-9.1.0.min.js";

const RADIUS = 60; // px
const MAX_ZOOM = 16; // beyond, every incident stands alone

let index = null;

const TASKS = {
  load({ ids, places, severities }) {
    const since = performance.now();
    const features = Array.from(ids, (id, i) => ({
      type: "Feature",
      geometry: { type: "Point", coordinates: [places[2 * i], places[2 * i + 1]] },
      properties: { id, worst: severities[i] },
    }));
    index = new self.Supercluster({
      radius: RADIUS,
      maxZoom: MAX_ZOOM,
      minPoints: 3,
      map: ({ worst }) => ({ worst }),
      reduce: (cluster, { worst }) => (cluster.worst = Math.min(cluster.worst, worst)),
    }).load(features);
    return { took: performance.now() - since };
  },

  find({ box, zoom }) {
    return (index?.getClusters(box, zoom) ?? []).map(({ geometry, properties }) => ({
      lon: geometry.coordinates[0],
      lat: geometry.coordinates[1],
      worst: properties.worst,
      ...(properties.cluster ? { cluster: properties.cluster_id, count: properties.point_count } : { id: properties.id }),
    }));
  },

  expand({ cluster }) {
    try {
      return index.getClusterExpansionZoom(cluster);
    } catch {
      return null; // of an index that has been replaced meanwhile
    }
  },
};

self.addEventListener("message", ({ data: { number, task, ...details } }) => {
  self.postMessage({ number, answer: TASKS[task](details) });
});
