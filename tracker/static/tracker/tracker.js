/* The behaviours of the tracker's pages, each an element of its own. */
import "./incident-map.js";
