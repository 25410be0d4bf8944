// The formulas of a laboratory with its numbers put in, for the example that is shown: those lines that record/numbers/
// writes for a page that is only looked at, by the same rules. What stands behind the last "=" is computed in float64
// from the page's numbers; where the page has another number, in float32, that is said.
import { isRecorded, laboratory } from "../../laboratory.js";
import { placeOfLargest, rowAt, rowOf, shown } from "../../step.js";
import { indexed, short } from "../../writing.js";
import { OPERATIONS } from "./operations.js";
import { workedOut } from "./sums.js";

const CLOSE = 1e-4;  // relative to the largest number of a tensor: more than float32's rounding makes of it
const EPSILON = 2 ** -23;  // of float32
const LISTED = 4;  // numbers of a tensor

// What an operation made of the example: its largest number, worked out.
export function forwardLines(number) {
  const { inputs, outputs } = shown.step.calls[number], { kind, parts } = operation(number);
  const lines = linesOf(parts.output, parts.output, (...where) => OPERATIONS[kind].forward(parts, ...where));
  return lines || [`${listedAll(inputs)} → ${listedAll(outputs)}`];
}

// What came back to one of its tensors: the largest number of it.
export function backwardLines(number, id) {
  const { kind, parts } = operation(number), { output } = parts, value = shown.step.values[id];
  const role = Object.keys(parts).find((name) => parts[name] === value);
  const lines = linesOf(value, value.gradient, (...where) => OPERATIONS[kind].backward[role](parts, ...where));
  return lines || [`${listed(output, output.gradient)} → ${listed(value, value.gradient)}`];
}

// The kind of an operation, and its tensors by what they are in it.
function operation(number) {
  const { layers, loss } = shown.step.laboratory, { kind, ...ids } = [...layers, loss][number];
  const parts = Object.entries(ids).map(([name, id]) => [name, Number.isInteger(id) ? shown.step.values[id] : id]);
  return { kind, parts: Object.fromEntries(parts) };
}

// The equations of the largest number; null where the last of them would not come to that number.
function linesOf(value, side, work) {
  const numbers = ofExample(value, side), place = placeOfLargest(numbers), kept = numbers[place];
  const examples = laboratory().network.examples(), columns = side.rect[1];
  if (place < 0) return null;
  const r = rowOf(value) + Math.floor(place / columns), c = place % columns;
  const equations = work([r, c], examples, shown.example), last = equations.at(-1);
  const off = CLOSE * sizeOf(side.numbers) + 100 * EPSILON * last.largest;
  if (!(Math.abs(last.value - kept) <= off)) return null;
  if (equations.some(({ value: made, text }) => !Number.isFinite(made) || text.includes("∞"))) return null;
  last.left = indexed(side.symbol, value.shape, r, c);
  const lines = equations.map((each) => `${each.left} = ${workedOut(each)}`);
  if (short(kept) === short(last.value)) return lines;
  const made = isRecorded() ? "recorded" : "computed";
  return [...lines.slice(0, -1), `${lines.at(-1)}, ${made} ${short(kept)} in float32`];
}

const ofExample = (value, side) => (value.perExample ? rowAt(side, rowOf(value)) : side.numbers);

// The size of the largest number; NaN if there is one.
function sizeOf(numbers) {
  let top = 0;
  for (const x of numbers) top = Math.max(top, Math.abs(x));
  return top;
}

const listedAll = (ids) => ids.map((id) => listed(shown.step.values[id], shown.step.values[id])).join(", ");

// z²: 1.2, −0.3, 0.01, 4, … (10 numbers)
function listed(value, side) {
  const numbers = ofExample(value, side), { length } = numbers;
  const more = length > LISTED ? `, … (${length} numbers)` : "";
  return `${side.symbol}: ${[...numbers.subarray(0, LISTED)].map(short).join(", ")}${more}`;
}
