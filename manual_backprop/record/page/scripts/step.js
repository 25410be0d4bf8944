// The data of the page, what of them is shown, and how numbers are read from them.
import { $ } from "./dom.js";

export const data = JSON.parse($("data").textContent);

for (const step of data.steps)
  for (const side of sidesOf(step))
    side.numbers = new Float32Array(Uint8Array.from(atob(side.data), (c) => c.charCodeAt(0)).buffer);

// Every tensor of a step that has numbers in the page.
function sidesOf(step) {
  const values = step.values.flatMap((value) => [value, value.gradient]);
  const calls = step.calls.flatMap((call) => [call.slope, ...Object.values(call.gradients)]);
  return [...values, ...calls].filter((side) => side !== null);
}

// What is shown now: a step, a position in it, an example, and the number whose gradient is explained; the learning
// rate, how often numbers have been computed anew, and whether they are at every frame.
export const shown = {
  step: data.steps[0],
  position: 0,
  example: 0,
  chosen: null,
  lr: data.steps[0].lr,
  numbers: 0,
  isRunning: false,
};

// Whoever shows something says what of `shown` it depends on; a change draws what depends on it anew.
const watchers = [];
export const watch = (names, show) => watchers.push([names.split(" "), show]);
export function change(changes) {
  Object.assign(shown, changes);
  for (const [names, show] of watchers) if (names.some((name) => name in changes)) show();
}

export const lastPosition = () => 2 * shown.step.calls.length;

// A tensor is (rows, columns) here: examples and units, or a matrix of weights. Only `shown` of them are in
// the page.
export function at(side, r, c) {
  const here = side && r < side.shown[0] && c < side.shown[1];
  return here ? side.numbers[r * side.shown[1] + c] : NaN;
}
export const rowOf = (value) => (value.perExample ? Math.min(shown.example, value.shown[0] - 1) : 0);
export const rowAt = (side, r) => side.numbers.subarray(r * side.shown[1], (r + 1) * side.shown[1]);
export const countOf = (side) => side.rect[0] * side.rect[1];
// The norm and the share of zeros are those of the whole tensor: of one that is cut, as they were recorded.
export function normOf(side) {
  if (isCut(side)) return side.norm;
  let sum = 0;
  for (let i = 0; i < side.numbers.length; i++) sum += side.numbers[i] ** 2;
  return Math.sqrt(sum);
}
export function zerosOf(side) {
  if (isCut(side)) return side.zeros;
  let count = 0;
  for (let i = 0; i < side.numbers.length; i++) count += side.numbers[i] === 0;
  return count / (side.numbers.length || 1);
}
export const isCut = (value) => value.rect[0] > value.shown[0] || value.rect[1] > value.shown[1];
export const inputsOf = (call) => call.inputs.map((id) => shown.step.values[id]);
export const outputOf = (call) => shown.step.values[call.outputs[0]];
export const range = (count) => [...Array(count).keys()];
export const sum = (list) => list.reduce((total, x) => total + x, 0);

// The lowest and the highest finite number; ∞ and −∞ where there is none.
export function extent(numbers) {
  let [low, high] = [Infinity, -Infinity];
  for (const x of numbers) if (Number.isFinite(x)) [low, high] = [Math.min(low, x), Math.max(high, x)];
  return [low, high];
}

// The place of the largest finite number; -1 where there is none.
export function placeOfLargest(numbers) {
  let place = -1, top = -1;
  for (let i = 0; i < numbers.length; i++) {
    const size = Math.abs(numbers[i]);
    if (size > top && size < Infinity) [place, top] = [i, size];
  }
  return place;
}
