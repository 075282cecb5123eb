/*
 * How much waits for the reader, on the tab: in the title, on its icon, and on the icon of an installed app.
 *   badge("chat", 3)
 * Parts of a page count for themselves and may count the same thing (a direct message and its notification), so the largest
 * is shown, not the sum.
 */
const counts = new Map();
const PREFIX = /^\(\d+\+?\) /u;
const SIZE = 64; // px of the icon
let drawn = -1;

export function badge(part, count) {
  counts.set(part, count);
  show();
}

function show() {
  const count = Math.max(0, ...counts.values());
  const plain = document.title.replace(PREFIX, "");
  const title = count ? `(${count > 99 ? "99+" : count}) ${plain}` : plain;
  if (document.title !== title) document.title = title;
  if (drawn === count) return;
  drawn = count;
  draw(count).catch(() => {}); // an icon without its number is no reason to stop
  navigator.setAppBadge?.(count).catch(() => {});
}

async function draw(count) {
  const link = document.querySelector('link[rel="icon"]');
  if (!link) return;
  link.dataset.plain ??= link.href;
  if (!count) {
    link.href = link.dataset.plain;
    return;
  }
  const image = new Image();
  image.src = link.dataset.plain;
  await image.decode();
  if (drawn !== count) return;
  const canvas = Object.assign(document.createElement("canvas"), { width: SIZE, height: SIZE });
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0, SIZE, SIZE);
  context.fillStyle = "#d3302f";
  context.beginPath();
  context.arc(SIZE * 0.69, SIZE * 0.31, SIZE * 0.31, 0, 2 * Math.PI);
  context.fill();
  context.fillStyle = "#fff";
  context.font = `bold ${SIZE * 0.42}px sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(count > 9 ? "9+" : String(count), SIZE * 0.69, SIZE * 0.33);
  link.href = canvas.toDataURL("image/png");
}

// A page that is swapped in brings a title of its own.
new MutationObserver(() => PREFIX.test(document.title) || show()).observe(document.head, { subtree: true, childList: true });
