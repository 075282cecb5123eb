/* Leaflet and its companions are scripts that leave a global; here they become modules. */
import "../vendor/leaflet-1.9.4.js";

export const L = globalThis.L;
