// A tensor as an image: where each of its numbers is, and its colour.
import { rowAt, rowOf } from "../step.js";

const FEW = 20;  // features up to which an example is a column of squares
const SIDE = 112;  // pixels of an image on the screen

export function colours() {
  const style = getComputedStyle(document.documentElement);
  return ["--plus", "--minus", "--back"].map((name) => channels(style.getPropertyValue(name).trim()));
}
export function channels(hex) {
  const full = hex.length === 4 ? hex.replace(/[0-9a-f]/gi, "$&$&") : hex;
  return [1, 3, 5].map((i) => parseInt(full.slice(i, i + 2), 16));
}

// How the numbers of a tensor are laid out: `cell` is the place of a number, `of` the number at a place.
export function layout(value) {
  const [rows, columns] = value.shown;
  if (isMatrix(value)) return { width: columns, height: rows, cell: (r, c) => [c, r], of: (x, y) => [y, x] };
  if (value.kind === "parameter") return { width: columns, height: 1, cell: (r, c) => [c, 0], of: (x) => [0, x] };
  const width = widthOfExample(value);
  return {
    width,
    height: Math.ceil(columns / width),
    cell: (r, c) => [c % width, Math.floor(c / width)],
    of: (x, y) => [rowOf(value), Math.min(y * width + x, columns - 1)],
  };
}
const isMatrix = (value) => value.kind === "parameter" && value.shown[0] > 1;
function widthOfExample(value) {
  if (value.rect[1] <= FEW) return 1;
  const whole = value.shown[1] === value.rect[1];
  return value.image && whole ? value.image : Math.ceil(Math.sqrt(value.shown[1]));
}

// The size of the largest number; 1 where all are 0.
export function largestOf(numbers) {
  let most = 0;
  for (const x of numbers) if (Math.abs(x) > most) most = Math.abs(x);
  return most || 1;
}

// A pixel's colour for a number between −1 and 1.
export function tint(data, pixel, x, [plus, minus, back]) {
  const to = x >= 0 ? plus : minus, share = Math.min(Math.abs(x), 1) || 0;
  for (let k = 0; k < 3; k++) data[4 * pixel + k] = back[k] + (to[k] - back[k]) * share;
  data[4 * pixel + 3] = 255;
}

// Paints a tensor's numbers, or its gradient's: all of a matrix of weights, else the row of the example. Until they
// are computed, the place is empty.
export function paint(canvas, value, side, isComputed) {
  const plan = layout(value), row = rowOf(value), matrix = isMatrix(value);
  const context = canvas.getContext("2d"), pixels = context.createImageData(plan.width, plan.height);
  const mixed = colours(), cells = matrix ? side.numbers : rowAt(side, row), most = largestOf(cells);
  canvas.width = plan.width;
  canvas.height = plan.height;
  cells.forEach((x, i) => {
    const [column, line] = matrix ? [i % plan.width, Math.floor(i / plan.width)] : plan.cell(row, i);
    tint(pixels.data, line * plan.width + column, x / most, mixed);
  });
  if (isComputed) context.putImageData(pixels, 0, 0);
  const square = Math.min(SIDE / plan.width, SIDE / plan.height);
  const [across, down] = plan.width === 1 ? [40, Math.min(12, 200 / plan.height)] : [square, square];
  canvas.style.width = `${Math.max(plan.width * across, 8)}px`;
  canvas.style.height = `${Math.max(plan.height * down, 8)}px`;
}
