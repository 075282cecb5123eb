/* Severities on the client: the same shapes and words as `{% severity_mark %}` draws on the server. */
import { gettext } from "../realtime/words.js";

export const NAMES = { 1: gettext("Urgent"), 2: gettext("High"), 3: gettext("Medium"), 4: gettext("Low"), 5: gettext("Info") };

const SVG = "http://www.w3.org/2000/svg";

/** The shape of a severity, from the sprite at `sprite`. */
export function severityMark(severity, sprite) {
  const mark = document.createElementNS(SVG, "svg");
  mark.setAttribute("class", "severity");
  mark.setAttribute("viewBox", "0 0 24 24");
  mark.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  mark.append(use);
  setSeverity(mark, severity, sprite);
  return mark;
}

export function setSeverity(mark, severity, sprite) {
  mark.dataset.severity = String(severity);
  mark.firstElementChild.setAttribute("href", `${sprite}#severity-${severity}`);
}
