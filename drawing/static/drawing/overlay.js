/* What is painted over the board: ink of others, this hand's own stroke, what is selected, where the eraser is. */
import { corners } from "./select-tool.js";
import { draw } from "./paths.js";

const GREEN = { light: "#0b7a54", dark: "#3ecf9a" };

export function paintHand(board, context, { isDark, scale }) {
  const colour = isDark ? GREEN.dark : GREEN.light;
  for (const shape of board.inks.shapes()) draw(context, shape, { isDark, scale, rough: false });
  for (const shape of board.tools.sketches) draw(context, { ...shape, path: null, outline: null }, { isDark, scale });
  const { selection, eraser } = board.tools;
  if (selection.isDragging) for (const { shape } of selection.items) draw(context, selection.moved(shape), { isDark, scale });
  paintSelection(context, selection, colour, scale);
  if (board.tools.name === "eraser") paintEraser(context, eraser, scale, isDark);
}

function paintSelection(context, selection, colour, scale) {
  context.lineWidth = 1.5 / scale;
  context.strokeStyle = colour;
  const { frame, box } = selection;
  if (frame) {
    context.globalAlpha = 0.12;
    context.fillStyle = colour;
    context.fillRect(frame[0], frame[1], frame[2] - frame[0], frame[3] - frame[1]);
    context.globalAlpha = 1;
    context.strokeRect(frame[0], frame[1], frame[2] - frame[0], frame[3] - frame[1]);
  }
  if (!box || selection.isDragging) return;
  const more = 4 / scale;
  const around = [box[0] - more, box[1] - more, box[2] + more, box[3] + more];
  context.setLineDash([5 / scale, 4 / scale]);
  context.strokeRect(around[0], around[1], around[2] - around[0], around[3] - around[1]);
  context.setLineDash([]);
  const size = 5 / scale;
  for (const { x, y } of corners(around)) {
    context.fillStyle = "#fff";
    context.beginPath();
    context.rect(x - size, y - size, size * 2, size * 2);
    context.fill();
    context.stroke();
  }
}

function paintEraser(context, eraser, scale, isDark) {
  context.fillStyle = isDark ? "rgb(23 22 20 / 0.72)" : "rgb(255 254 251 / 0.72)";
  for (const { shape } of eraser.doomed) {
    if (shape) context.fillRect(shape.box[0], shape.box[1], shape.box[2] - shape.box[0], shape.box[3] - shape.box[1]);
  }
  if (!eraser.at) return;
  context.lineWidth = 1.5 / scale;
  context.strokeStyle = isDark ? "#ddd" : "#555";
  context.beginPath();
  context.arc(eraser.at.x, eraser.at.y, eraser.radius, 0, 2 * Math.PI);
  context.stroke();
}
