/* `<local-time><time datetime="…">14:05</time></local-time>`: the server writes UTC, the reader sees their own time. */
import { language } from "../realtime/words.js";

const FORMATS = {
  clock: new Intl.DateTimeFormat(language, { hour: "numeric", minute: "2-digit" }),
  full: new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }),
};
const AGO = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
const UNITS = [["year", 31_536_000], ["month", 2_592_000], ["week", 604_800], ["day", 86_400], ["hour", 3_600], ["minute", 60]];

class LocalTime extends HTMLElement {
  connectedCallback() {
    const time = this.querySelector("time");
    if (!time) return;
    const moment = new Date(time.dateTime);
    if (Number.isNaN(moment.getTime())) return;
    const style = this.dataset.style ?? "clock";
    time.textContent = style === "ago" ? ago(moment) : FORMATS[style].format(moment);
    time.title = FORMATS.full.format(moment);
  }
}

function ago(moment) {
  const seconds = (moment - Date.now()) / 1000;
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? ["minute", 60];
  return AGO.format(Math.round(seconds / size), unit);
}

customElements.define("local-time", LocalTime);
