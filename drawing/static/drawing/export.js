/*
 * The board as a file. The SVG is made of numbers that were decoded from bytes, and of text that goes in as a text node: nothing that
 * somebody typed is markup in it.
 */
import { SHEET, css, hex } from "./colours.js";
import { FONT, Kind, LINE_HEIGHT, joined } from "./elements.js";
import { draw, linePath, outlinePath } from "./paths.js";

const MARGIN = 32; // pixels around what is drawn
const SHARP = 2; // pixels of the picture for one of the board
const LARGEST = 8_192; // pixels of a side: what browsers give a canvas
const SVG = "http://www.w3.org/2000/svg";

function boxOf(sheet) {
  const [left, top, right, bottom] = sheet.shown.reduce((box, { shape }) => joined(box, shape.box), null);
  return { left: left - MARGIN, top: top - MARGIN, width: right - left + 2 * MARGIN, height: bottom - top + 2 * MARGIN };
}

export function toPng(sheet, { isDark = false } = {}) {
  const { left, top, width, height } = boxOf(sheet);
  const scale = Math.min(SHARP, LARGEST / width, LARGEST / height);
  const canvas = Object.assign(document.createElement("canvas"), { width: Math.ceil(width * scale), height: Math.ceil(height * scale) });
  const context = canvas.getContext("2d");
  context.fillStyle = isDark ? SHEET.dark : SHEET.light;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.setTransform(scale, 0, 0, scale, -left * scale, -top * scale);
  for (const { shape } of sheet.shown) draw(context, shape, { isDark, scale });
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

export function toSvg(sheet, title) {
  const { left, top, width, height } = boxOf(sheet);
  const root = element("svg", { viewBox: [left, top, width, height].join(" "), width, height });
  root.append(Object.assign(element("title"), { textContent: title }));
  root.append(element("rect", { x: left, y: top, width, height, fill: SHEET.light }));
  for (const { shape } of sheet.shown) root.append(svgOf(shape));
  return new Blob([new XMLSerializer().serializeToString(root)], { type: "image/svg+xml" });
}

function svgOf(shape) {
  const { kind, rgb, width, fill, points, text } = shape;
  if (kind === Kind.TEXT) {
    const words = element("text", { x: points[0], y: points[1] + width * 0.98, "font-size": width, "font-family": FONT, fill: hex(rgb) });
    text.split("\n").forEach((line, row) => {
      const span = element("tspan", { x: points[0], dy: row ? width * LINE_HEIGHT : 0, "xml:space": "preserve" });
      span.textContent = line;
      words.append(span);
    });
    return words;
  }
  if (kind === Kind.PEN) return element("path", { d: outlinePath(shape), fill: hex(rgb) });
  const inside = fill === "fill" ? hex(rgb) : fill === "tint" ? css(rgb, false, 0.22) : "none";
  const line = { d: linePath(shape), fill: inside, stroke: hex(rgb), "stroke-width": width, "stroke-linecap": "round", "stroke-linejoin": "round" };
  return element("path", kind === Kind.HIGHLIGHTER ? { ...line, opacity: 0.38 } : line);
}

function element(name, attributes = {}) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

export function download(blob, name) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
