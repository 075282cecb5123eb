/* Colour, width and filling: of what is drawn next, and of what is selected. The last choice is remembered by this browser. */
import { gettext } from "../realtime/words.js";
import { PALETTE, css } from "./colours.js";
import { Kind, encode } from "./elements.js";
import { textHeight } from "./text-tool.js";

const WIDTHS = [[gettext("Thin"), 2], [gettext("Medium"), 4], [gettext("Thick"), 8], [gettext("Very thick"), 16]];
const FILLS = [[gettext("Not filled"), ""], [gettext("Tinted"), "tint"], [gettext("Filled"), "fill"]];
const REMEMBERED = "drawing.style";

export class StylePanel {
  current = { rgb: PALETTE[0][1], width: 4, fill: "" };
  #board;
  #panel;
  #button;

  constructor(board, signal) {
    this.#board = board;
    this.#panel = board.querySelector(".style-panel");
    this.#button = board.querySelector("[data-style-button]");
    this.#recall();
    this.#build();
    this.#panel.addEventListener("click", (event) => this.#press(event.target.closest("button")), { signal });
    board.tools.addEventListener("change", () => this.follow());
    this.follow();
  }

  /** The panel is there when it is of use; what is selected shows its own style. */
  follow() {
    const { tools } = this.#board;
    const items = tools.selection.items;
    const isOfUse = this.#board.mayDraw && (items.length > 0 || !["select", "hand", "eraser"].includes(tools.name));
    this.#panel.toggleAttribute("data-idle", !isOfUse);
    const kinds = items.length ? items.map((item) => item.shape.kind) : [Kind[tools.name.toUpperCase()]];
    this.#panel.querySelector("[data-part='fill']").hidden = !kinds.some((kind) => kind === Kind.RECT || kind === Kind.ELLIPSE);
    this.show();
  }

  show() {
    const [item] = this.#board.tools.selection.items;
    const shown = item ? { ...item.shape } : this.current;
    for (const button of this.#panel.querySelectorAll("button")) {
      const { name, value } = button.dataset;
      button.setAttribute("aria-pressed", String(String(shown[name]) === value));
    }
    for (const swatch of this.#board.querySelectorAll("[data-swatch]")) {
      const rgb = swatch.dataset.swatch === "current" ? shown.rgb : Number(swatch.dataset.swatch);
      swatch.style.backgroundColor = css(rgb, this.#board.painter.isDark);
    }
  }

  #build() {
    const button = (name, value, label) => {
      const element = document.createElement("button");
      Object.assign(element, { type: "button", className: "style-panel__choice", title: label });
      Object.assign(element.dataset, { name, value });
      element.setAttribute("aria-label", label);
      const mark = document.createElement("span");
      element.append(mark);
      return [element, mark];
    };
    for (const [label, rgb] of PALETTE) {
      const [element, mark] = button("rgb", rgb, label);
      mark.dataset.swatch = rgb;
      this.#panel.querySelector("[data-part='rgb']").append(element);
    }
    for (const [label, width] of WIDTHS) {
      const [element, mark] = button("width", width, label);
      mark.className = "style-panel__width";
      mark.style.blockSize = `${Math.max(2, width * 0.75)}px`;
      this.#panel.querySelector("[data-part='width']").append(element);
    }
    for (const [label, fill] of FILLS) {
      const [element, mark] = button("fill", fill, label);
      mark.className = "style-panel__fill";
      mark.dataset.fill = fill;
      this.#panel.querySelector("[data-part='fill']").append(element);
    }
  }

  #press(button) {
    if (!button?.dataset.name) return;
    const { name, value } = button.dataset;
    this.current = { ...this.current, [name]: name === "fill" ? value : Number(value) };
    this.#remember();
    this.#restyle(name);
    this.show();
  }

  #restyle(name) {
    const restyled = this.#board.tools.selection.items.map((item) => {
      const { shape } = item;
      const isText = shape.kind === Kind.TEXT;
      if (name === "fill" && shape.kind !== Kind.RECT && shape.kind !== Kind.ELLIPSE) return null;
      const value = name === "width" && isText ? textHeight(this.current.width) : this.current[name];
      return [item, encode({ ...shape, [name]: value })];
    });
    this.#board.change(restyled.filter(Boolean));
  }

  #remember() {
    try {
      localStorage.setItem(REMEMBERED, JSON.stringify(this.current));
    } catch {
      // Not kept: it holds for this page.
    }
  }

  #recall() {
    try {
      const { rgb, width, fill } = JSON.parse(localStorage.getItem(REMEMBERED)) ?? {};
      if (PALETTE.some(([, known]) => known === rgb)) this.current.rgb = rgb;
      if (WIDTHS.some(([, known]) => known === width)) this.current.width = width;
      if (FILLS.some(([, known]) => known === fill)) this.current.fill = fill;
    } catch {
      // Nothing to recall.
    }
  }
}
