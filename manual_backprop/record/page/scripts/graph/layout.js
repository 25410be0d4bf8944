// A tensor as an image: where each of its numbers is, and its colour.
import { change, rowAt, rowOf } from "../step.js";

const FEW = 20;  // features up to which an example is a column of squares
const SIDE = 88;  // pixels of an image on the screen
const SHADES = 255;  // of a sign

// The colours of numbers from −1 to 1, as the pixels of a canvas: first NaN's, then from −1 on in steps of 1/SHADES.
let mixed = null;
export function colours() {
  mixed ||= mix(getComputedStyle(document.documentElement));
  return mixed;
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", ({ matches }) => {
  mixed = null;
  change({ isDark: matches });
});

function mix(style) {
  const channelsOf = (name) => channels(style.getPropertyValue(name).trim());
  const [plus, minus, back] = ["--plus", "--minus", "--back"].map(channelsOf);
  const bytes = new Uint8ClampedArray(4 * (2 * SHADES + 2)).fill(255);
  bytes.set(back);
  for (let i = -SHADES; i <= SHADES; i++) {
    const share = Math.abs(i) / SHADES, to = i < 0 ? minus : plus;
    for (let k = 0; k < 3; k++) bytes[4 * (i + SHADES + 1) + k] = back[k] + (to[k] - back[k]) * share;
  }
  return new Uint32Array(bytes.buffer);
}

function channels(hex) {
  const full = hex.length === 4 ? hex.replace(/[0-9a-f]/gi, "$&$&") : hex;
  return [1, 3, 5].map((i) => parseInt(full.slice(i, i + 2), 16));
}

// The colour of a number between −1 and 1.
export const tint = (x, palette) => palette[(SHADES * x + SHADES + 1.5) | 0];

// How the numbers of a tensor are laid out: `cell` is the place of a number, `of` the number at a place.
export function layout(value) {
  const [rows, columns] = value.shown;
  if (isMatrix(value)) return { width: columns, height: rows, cell: (r, c) => [c, r], of: (x, y) => [y, x] };
  if (value.kind === "parameter") return { width: columns, height: 1, cell: (r, c) => [c, 0], of: (x) => [0, x] };
  const width = widthOfExample(value);
  return {
    width,
    height: Math.max(Math.ceil(columns / width), 1),
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
  for (let i = 0; i < numbers.length; i++) if (Math.abs(numbers[i]) > most) most = Math.abs(numbers[i]);
  return most || 1;
}

// Paints a tensor's numbers, or its gradient's: all of a matrix of weights, else the row of the example. Until they
// are computed, and of an empty batch, the place is empty.
export function paint(canvas, value, side, isComputed) {
  const plan = layout(value), row = rowOf(value), matrix = isMatrix(value);
  resize(canvas, plan);
  // Rows of weights lie as their pixels do, and so does an example.
  if (isComputed && side.numbers.length) fill(canvas, matrix ? side.numbers : rowAt(side, row));
  else canvas.getContext("2d").clearRect(0, 0, plan.width, plan.height);
}

// A pixel for each number; `most` is the one whose colour is full.
export function fill(canvas, numbers, most = largestOf(numbers)) {
  const context = canvas.getContext("2d"), image = context.createImageData(canvas.width, canvas.height);
  const pixels = new Uint32Array(image.data.buffer), palette = colours();
  for (let i = 0; i < numbers.length; i++) pixels[i] = tint(numbers[i] / most, palette);
  context.putImageData(image, 0, 0);
}

function resize(canvas, { width, height }) {
  if (canvas.width === width && canvas.height === height && canvas.style.width) return;
  canvas.width = width;
  canvas.height = height;
  const square = Math.min(SIDE / width, SIDE / height);
  const [across, down] = width === 1 ? [36, Math.min(10, 200 / height)] : [square, square];
  canvas.style.width = `${Math.max(width * across, 8)}px`;
  canvas.style.height = `${Math.max(height * down, 8)}px`;
}
