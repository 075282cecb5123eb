/* The colours to draw with, and how they look on a dark sheet: what is there to be read on white is there to be read on black. */
import { gettext } from "../realtime/words.js";

export const PALETTE = [
  [gettext("Ink"), 0x1f1f1c], [gettext("Grey"), 0x7d7a72], [gettext("Red"), 0xd8362f], [gettext("Orange"), 0xe8710a], [gettext("Yellow"), 0xe9b10c],
  [gettext("Green"), 0x1b8a4b], [gettext("Teal"), 0x0c8a93], [gettext("Blue"), 0x2166d1], [gettext("Violet"), 0x7a3fd0], [gettext("Pink"), 0xd63384],
];
export const SHEET = { light: "#fffefb", dark: "#171614" };
const DIM = 0.62; // brightness (0 to 1) below which a colour is turned around on a dark sheet
const cache = new Map();

export function css(rgb, isDark = false, alpha = 1) {
  const name = rgb * 2 + (isDark ? 1 : 0);
  let parts = cache.get(name);
  if (!parts) cache.set(name, (parts = (isDark ? onDark(rgb) : channels(rgb)).join(" ")));
  return alpha === 1 ? `rgb(${parts})` : `rgb(${parts} / ${alpha})`;
}

export const hex = (rgb) => `#${rgb.toString(16).padStart(6, "0")}`;

const channels = (rgb) => [rgb >> 16, (rgb >> 8) & 255, rgb & 255];

/** Same hue, with as much light as it lacked. */
function onDark(rgb) {
  const [red, green, blue] = channels(rgb);
  const light = (0.299 * red + 0.587 * green + 0.114 * blue) / 255;
  if (light >= DIM) return [red, green, blue];
  const colourful = Math.max(red, green, blue) - Math.min(red, green, blue) > 40;
  const share = colourful ? 0.34 : 0.92 - light; // towards white
  return [red, green, blue].map((channel) => Math.round(channel + (255 - channel) * share));
}
