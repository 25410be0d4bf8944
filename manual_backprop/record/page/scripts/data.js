"use strict";
// The data are what was recorded; what is computed here are the products and sums that are shown, and each
// stands beside the recorded number that it must equal.
const data = JSON.parse(document.getElementById("data").textContent);

for (const step of data.steps)
  for (const side of sidesOf(step))
    side.numbers = new Float32Array(Uint8Array.from(atob(side.data), (c) => c.charCodeAt(0)).buffer);

// Every tensor of a step that has numbers in the page.
function sidesOf(step) {
  const values = step.values.flatMap((value) => [value, value.gradient]);
  const calls = step.calls.flatMap((call) => [call.slope, ...Object.values(call.gradients)]);
  return [...values, ...calls].filter((side) => side !== null);
}

// What is shown now: a step, a position in it, an example, and the number whose gradient is explained.
let step = data.steps[0], position = 0, example = 0, chosen = null;
let cut = [];  // the values of the step that are not in the page whole
const lastPosition = () => 2 * step.calls.length;

// A tensor is (rows, columns) here: examples and units, or a matrix of weights. Only `shown` of them are in
// the page.
function at(side, r, c) {
  const here = side && r < side.shown[0] && c < side.shown[1];
  return here ? side.numbers[r * side.shown[1] + c] : NaN;
}
const rowOf = (value) => (value.perExample ? Math.min(example, value.shown[0] - 1) : 0);
const rowAt = (side, r) => side.numbers.subarray(r * side.shown[1], (r + 1) * side.shown[1]);
const countOf = (side) => side.rect[0] * side.rect[1];
const inputsOf = (call) => call.inputs.map((id) => step.values[id]);
const outputOf = (call) => step.values[call.outputs[0]];
const range = (count) => [...Array(count).keys()];
const sum = (list) => list.reduce((total, x) => total + x, 0);

// The place of the number of largest size.
const largest = (list) => list.reduce((top, x, i) => (Math.abs(x) > Math.abs(list[top]) ? i : top), 0);

const $ = (id) => document.getElementById(id);
function make(tag, text = "", parent = null, className = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  element.className = className;
  if (parent) parent.append(element);
  return element;
}
function makeSvg(tag, attributes, parent) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  parent.append(element);
  return element;
}

// A number has one notation on the page, which record/numbers/writing.py shares: at most four significant
// digits, and a power of ten below 10⁻⁴ and from 10⁴ on.
function short(x) {
  if (!Number.isFinite(x)) return { nan: "NaN", NaN: "NaN", inf: "∞", Infinity: "∞" }[x] || "−∞";
  const [mantissa, power] = x.toExponential(3).split("e"), exponent = Number(power);
  const text = exponent < -4 || exponent >= 4
    ? `${Number(mantissa)}·10${exponent < 0 ? "⁻" : ""}${superscript(Math.abs(exponent))}`
    : String(Number(x.toFixed(Math.max(3 - exponent, 0))));
  return text.replace("-", "−");
}
const superscript = (number) => [...String(number)].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]).join("");
const inProduct = (x, i) => (i > 0 && x < 0 ? `(${short(x)})` : short(x));

// A number by its index: of a tensor of more than two dimensions, a column is an index in several parts.
function indexed(symbol, shape, r, c) {
  const index = [];
  for (const size of shape.slice(1).reverse()) {
    index.unshift(c % size);
    c = Math.floor(c / size);
  }
  if (!shape.length) return symbol;
  return `${symbol}[${[shape.length > 1 ? r : c, ...index].join(",")}]`;
}
