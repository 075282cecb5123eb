/*
 * A chart of the last minutes: a ring of points, drawn once a second at most. All charts of a page share their cursor.
 *
 *   <live-chart data-lines="sent:Sent:info, lost:Lost:danger"></live-chart>      key : label : colour
 *
 * The points come with the events `dashboard:series` and `dashboard:tick`.
 */
import { format, gettext, language, pointed } from "./words.js";

const POINTS = 300;
const HEIGHT = 168;
const MARKS = { deploy: "--info", lost: "--danger", alert: "--warning" };
const sync = window.uPlot?.sync("dashboard");

class LiveChart extends HTMLElement {
  #lines;
  #points = [];
  #marks = [];
  #plot = null;
  #frame = 0;
  #controller;
  #observer;

  connectedCallback() {
    this.#lines = this.dataset.lines.split(",").map((line) => {
      const [key, label, colour] = line.trim().split(":");
      return { key, label, colour };
    });
    this.#controller = new AbortController();
    const { signal } = this.#controller;
    document.addEventListener("dashboard:series", ({ detail }) => this.#begin(detail.points, detail.marks), { signal });
    document.addEventListener("dashboard:tick", ({ detail }) => this.#add(detail.point, detail.marks), { signal });
    document.addEventListener("dashboard:theme", () => this.#build(), { signal });
    this.#observer = new ResizeObserver(() => this.#resize());
    this.#observer.observe(this);
  }

  disconnectedCallback() {
    this.#controller.abort();
    this.#observer.disconnect();
    cancelAnimationFrame(this.#frame);
    this.#plot?.destroy();
    this.#plot = null;
  }

  /** How many points it holds, for those who look after its memory. */
  get length() {
    return this.#points.length;
  }

  #begin(points, marks = []) {
    this.#points = points;
    this.#marks = marks;
    if (this.#plot) this.#draw();
    else this.#build();
  }

  #add(point, marks = []) {
    if (this.#points.at(-1)?.t === point.t) return;
    this.#points.push(point);
    if (this.#points.length > POINTS) this.#points.splice(0, this.#points.length - POINTS);
    this.#mark(marks);
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#draw());
  }

  /* What happened is told for a while, so most of it is known. */
  #mark(marks) {
    const known = new Map([...this.#marks, ...marks].map((mark) => [`${mark.t} ${mark.text}`, mark]));
    this.#marks = [...known.values()].filter(({ t }) => t >= this.#points[0].t);
  }

  #data() {
    return [this.#points.map((point) => point.t), ...this.#lines.map(({ key }) => this.#points.map((point) => point[key] ?? null))];
  }

  #draw() {
    this.#plot?.setData(this.#data());
    this.#describe();
  }

  #describe() {
    const last = this.#points.findLast((point) => this.#lines.some(({ key }) => point[key] != null));
    const said = this.#lines.map(({ key, label }) => `${label} ${short(last?.[key])}`);
    this.setAttribute("role", "img");
    const marked = this.#marks.map(({ t, text }) => `${new Date(t * 1000).toLocaleTimeString(language)} ${text}`);
    this.setAttribute("aria-label", [format(gettext("Chart. Now: %(values)s"), { values: said.join(", ") }), ...marked].join(". "));
  }

  #resize() {
    const width = Math.floor(this.clientWidth);
    if (width > 0) this.#plot?.setSize({ width, height: HEIGHT });
  }

  #build() {
    this.#plot?.destroy();
    const style = getComputedStyle(this);
    const colour = (name) => resolve(this, style.getPropertyValue(`--${name}`) || "gray");
    const axis = { stroke: colour("ink-faint"), grid: { stroke: colour("line"), width: 1 }, ticks: { show: false }, font: `11px ${style.fontFamily}` };
    this.#plot = new window.uPlot(
      {
        width: Math.max(this.clientWidth, 120),
        height: HEIGHT,
        padding: [8, 20, 0, 0], // half of the last time stands beyond the end
        cursor: { sync: { key: sync.key }, y: false, drag: { x: false, y: false } },
        legend: { live: true },
        scales: { y: { range: (_, min, max) => [0, max > 0 ? max * 1.1 : 1] } },
        axes: [
          { ...axis, space: 70, size: 26, values: (_plot, splits, _axis, _space, step) => splits.map((at) => clock(at, step)) },
          { ...axis, size: 46, values: (_, splits) => splits.map(short) },
        ],
        series: [
          { label: gettext("Time"), value: (_, at) => (at == null ? "" : new Date(at * 1000).toLocaleTimeString(language)) },
          ...this.#lines.map((line, index) => ({
            label: line.label,
            stroke: colour(line.colour === "faint" ? "ink-faint" : line.colour),
            fill: index === 0 && this.#lines.length < 3 ? colour(`${line.colour}-soft`) : undefined,
            width: 1.75,
            spanGaps: this.hasAttribute("data-sparse"),
            points: { show: this.hasAttribute("data-sparse"), size: 4 },
            value: (plot, value, number, at) => short(at == null ? this.#points.at(-1)?.[line.key] : value),
          })),
        ],
        hooks: { draw: [(plot) => this.#drawMarks(plot, colour)] },
      },
      this.#data(),
      this,
    );
    this.#describe();
  }

  #drawMarks(plot, colour) {
    const { ctx, bbox } = plot;
    for (const mark of this.#marks) {
      if (mark.t < plot.scales.x.min || mark.t > plot.scales.x.max) continue;
      const x = Math.round(plot.valToPos(mark.t, "x", true));
      ctx.save();
      ctx.strokeStyle = colour((MARKS[mark.kind] ?? "--ink-faint").slice(2));
      ctx.setLineDash([4, 4]);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      ctx.restore();
    }
  }
}

/* A canvas does not know light-dark(): the browser resolves it for a property that it paints with. */
function resolve(element, value) {
  element.style.outlineColor = value;
  const resolved = getComputedStyle(element).outlineColor;
  element.style.outlineColor = "";
  return resolved;
}

function clock(at, step) {
  const day = step >= 86400 ? { weekday: "short", day: "numeric" } : { hour: "2-digit", minute: "2-digit" };
  return new Date(at * 1000).toLocaleString(language, step < 60 ? { ...day, second: "2-digit" } : day);
}

function short(value) {
  if (value == null) return "–";
  const size = Math.abs(value);
  if (size >= 1e6) return pointed(`${(value / 1e6).toPrecision(3)}M`);
  if (size >= 1e4) return pointed(`${(value / 1e3).toFixed(1)}k`);
  return Number.isInteger(value) ? String(value) : pointed(value.toPrecision(size < 10 ? 2 : 3));
}

new MutationObserver(() => document.dispatchEvent(new CustomEvent("dashboard:theme"))).observe(document.documentElement, {
  attributeFilter: ["data-theme"],
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => document.dispatchEvent(new CustomEvent("dashboard:theme")));

customElements.define("live-chart", LiveChart);
