// One gradient as a sum: of products of recorded numbers where the page can write them out, else of what came
// back. Each part has the names and the numbers of its factors and their product; `whole` says that nothing is
// written out, and `lead` is the number of the output that the part comes through, where it is one.
import { laboratory } from "./laboratory.js";
import { softmax } from "./network/layers.js";
import { at, countOf, inputsOf, outputOf, range, rowAt, shown } from "./step.js";
import { indexed } from "./writing.js";

const LONGEST_PATH = 60;

// The parts of a number's gradient, those of the gradient that the largest part comes through, and so on to the loss.
export function pathOf(place) {
  const path = [];
  while (place && path.length < LONGEST_PATH) {
    const parts = shown.step.values[place.id].gradient ? partsOf(place) : [];
    path.push({ place, parts });
    place = leadOf(parts);
  }
  return path;
}

export const bySize = (parts) => parts.slice().sort((a, b) => Math.abs(b.product) - Math.abs(a.product));

// The place that the largest part comes through; of the parts of several examples, that of the example shown.
function leadOf(parts) {
  const sorted = bySize(parts), next = sorted.find((part) => part.lead && part.lead.r === shown.example) || sorted[0];
  return next && next.lead && shown.step.values[next.lead.id].gradient ? next.lead : null;
}

function partsOf({ id, r, c }) {
  return shown.step.values[id].uses.flatMap(([number, place]) => partsOfUse(id, number, place, r, c));
}

function partsOfUse(id, number, place, r, c) {
  const call = shown.step.calls[number], value = shown.step.values[id];
  if (!outputOf(call).gradient) return [];
  const allClasses = value.shown[1] === value.rect[1];
  if (call.products === "affine") return affineParts(call, place, r, c);
  if (call.products === "slope") return [slopePart(call, r, c)];
  if (call.products === "softmax minus one-hot" && place === 0 && allClasses) return [softmaxPart(call, r, c)];
  if (call.products === "squared error" && place === 0) return [errorPart(call, r, c)];
  return wholeParts(call, number, place, value, r, c);
}

function part(names, factors, lead, whole = false) {
  return { names, factors, lead, whole, product: factors.reduce((a, b) => a * b, 1) };
}

// Of z = x Wᵀ + b: ∂L/∂x[r,c] = Σ δ[r,k] W[k,c], ∂L/∂W[r,c] = Σ δ[n,r] x[n,c], ∂L/∂b[c] = Σ δ[n,c].
function affineParts(call, place, r, c) {
  const [x, W] = inputsOf(call), out = outputOf(call), delta = out.gradient;
  const named = (row, column) => indexed(delta.symbol, out.shape, row, column);
  const times = (row, column, other, otherRow) => part(
    [named(row, column), indexed(other.symbol, other.shape, otherRow, c)],
    [at(delta, row, column), at(other, otherRow, c)],
    { id: call.outputs[0], r: row, c: column },
  );
  const alone = (row) => part([named(row, c)], [at(delta, row, c)], { id: call.outputs[0], r: row, c });
  if (place === 0) return range(out.shown[1]).map((k) => times(r, k, W, k));
  if (place === 1) return range(out.shown[0]).map((n) => times(n, r, x, n));
  return range(out.shown[0]).map(alone);
}

// Of an elementwise function of one tensor: ∂L/∂out · ∂out/∂in, at the same place.
function slopePart(call, r, c) {
  const { gradient: upstream, shape } = outputOf(call);
  const names = [upstream, call.slope].map((side) => indexed(side.symbol, shape, r, c));
  return part(names, [at(upstream, r, c), at(call.slope, r, c)], { id: call.outputs[0], r, c });
}

// Of a cross-entropy of classes: (p − t) / N, with p = softmax(z).
function softmaxPart(call, r, c) {
  const [logits, target] = inputsOf(call), p = softmax(rowAt(logits, r))[c], t = at(target, 0, r) === c ? 1 : 0;
  const names = [indexed(`(softmax(${logits.symbol}) − onehot)`, logits.shape, r, c), "1/N", "∂L/∂L"];
  return part(names, [p - t, shareOf(call, r), outputOf(call).gradient.numbers[0]], null);
}

// Of a squared error: 2 (a − y) / n.
function errorPart(call, r, c) {
  const [a, y] = inputsOf(call), names = ["2", indexed(`(${a.symbol} − ${y.symbol})`, a.shape, r, c), "1/n", "∂L/∂L"];
  return part(names, [2, at(a, r, c) - at(y, r, c), shareOf(call, r), outputOf(call).gradient.numbers[0]], null);
}

// How much a term of an example counts in the loss: 1/N of it, and nothing where the loss is of others.
function shareOf(call, example) {
  if (!laboratory()) return 1 / call.divisor;
  const { network } = laboratory();
  return network.included[example] / network.divisor();
}

// Of any other operation: what came back through this use.
function wholeParts(call, number, place, value, r, c) {
  const whole = call.gradients[place] || (value.uses.length === 1 ? value.gradient : null);
  const out = outputOf(call), sameShape = String(out.shape) === String(value.shape);
  let lead = null;
  if (countOf(out) === 1) lead = { id: call.outputs[0], r: 0, c: 0 };
  else if (call.elementwise && sameShape) lead = { id: call.outputs[0], r, c };
  const name = `through ${call.operation}, operation ${number + 1}`;
  return whole ? [part([name], [at(whole, r, c)], lead, true)] : [];
}
