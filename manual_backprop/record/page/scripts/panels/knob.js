// One number to turn: everything is computed anew, and beside it stands the loss along this number alone. Its gradient
// is the slope of that curve.
import { chart, rangeOf } from "../chart.js";
import { $ } from "../dom.js";
import { edit, laboratory } from "../laboratory.js";
import { lossesAlong } from "../network/sweep.js";
import { at, extent, range, shown } from "../step.js";
import { indexed, short } from "../writing.js";
import { panel } from "./tabs.js";

const POINTS = 41;
let bounds = null;  // of the chosen number, the lowest and the highest value

// Whether the chosen number is one that can be turned: a weight, a bias or a pixel. The others are computed.
function isKnob() {
  if (!laboratory() || !shown.chosen) return false;
  const { plan } = laboratory().network, { id } = shown.chosen;
  return plan.layers.some(({ weight, bias }) => weight === id || bias === id) || plan.layers[0].input === id;
}

// As far as the tensor's numbers go, and half as far again.
function chooseBounds() {
  bounds = null;
  if (!isKnob()) return;
  const [low, high] = extent(shown.step.values[shown.chosen.id].numbers), more = 0.5 * (high - low) || 1;
  bounds = low > high ? [-1, 1] : [low - more, high + more];
}

function showKnob() {
  $("knob-slope").hidden = !laboratory() || !shown.chosen;
  for (const id of ["knob-slider", "knob-number", "knob-reset"]) $(id).disabled = !bounds;
  if ($("knob-slope").hidden) return;
  const { id, r, c } = shown.chosen, value = shown.step.values[id], name = indexed(value.symbol, value.shape, r, c);
  $("knob-name").textContent = name;
  $("knob-curve").toggleAttribute("hidden", !bounds);
  if (!bounds) {
    $("knob-says").textContent = `${name} is computed from others: choose a weight, a bias or a number of the input `
      + "to turn it.";
    return;
  }
  const now = at(value, r, c);
  if (now < bounds[0] || now > bounds[1]) bounds = [Math.min(now, bounds[0]), Math.max(now, bounds[1])];
  showNumber(now);
  drawCurve(name, now, at(value.gradient, r, c));
}

function showNumber(now) {
  const slider = $("knob-slider");
  [slider.min, slider.max] = bounds;
  if (Number.isFinite(now)) slider.value = now;
  slider.setAttribute("aria-valuetext", short(now));
  if (document.activeElement !== $("knob-number")) $("knob-number").value = inFewDigits(now);
}

// In as many digits as tell a float32 from every other; a field for numbers knows neither NaN nor infinity.
function inFewDigits(x) {
  if (!Number.isFinite(x)) return "";
  const written = range(9).map((i) => Number(x.toPrecision(i + 1)));
  return String(written.find((number) => Math.fround(number) === x) ?? x);
}

// The loss along the number, its tangent, and the slope between two points of the curve beside the gradient.
function drawCurve(name, now, slope) {
  const { network } = laboratory(), [low, high] = bounds, h = (high - low) / 400;
  const points = range(POINTS).map((i) => low + (i * (high - low)) / (POINTS - 1));
  const along = lossesAlong(network, shown.chosen, [now - h, now, now + h, ...points]);
  const [before, here, after] = along.splice(0, 3), curve = { points: points.map((x, i) => [x, along[i]]) };
  const tangent = { points: [low, now, high].map((x) => [x, here + slope * (x - now)]), className: "tangent" };
  chart($("knob-curve"), {
    lines: [curve, tangent], spots: [{ at: [now, here] }], x: bounds, y: rangeOf([curve, { points: [[now, here]] }]),
    xTitle: name, yTitle: "loss",
  });
  const { gradient, shape } = shown.step.values[shown.chosen.id];
  const derivative = gradient
    ? `${indexed(gradient.symbol, shape, shown.chosen.r, shown.chosen.c)} = ${short(slope)}, the slope of the tangent.`
    : `${name} is frozen: it has no gradient.`;
  $("knob-says").textContent = `L = ${short(shown.step.loss)}. ${derivative} Measured on the curve, `
    + `(L(w + h) − L(w − h)) / 2h = ${short((after - before) / (2 * h))}, with h = ${short(h)}.`;
}

const place = ({ id, r, c }) => r * shown.step.values[id].rect[1] + c;
const turn = (x) => edit(shown.chosen.id, place(shown.chosen), [x]);

$("knob-slider").addEventListener("input", () => turn(Number($("knob-slider").value)));
$("knob-number").addEventListener("change", () => {
  const number = parseFloat($("knob-number").value), { id, r, c } = shown.chosen;
  if (Number.isFinite(Math.fround(number))) turn(number);
  $("knob-number").value = inFewDigits(at(shown.step.values[id], r, c));
});
$("knob-reset").addEventListener("click", () => {
  turn(laboratory().recorded.tensors[shown.chosen.id].numbers[place(shown.chosen)]);
  chooseBounds();
  showKnob();
});
panel("knob", "step chosen", chooseBounds);
panel("knob", "step example chosen numbers", showKnob);
