// One number to turn: everything is computed anew, and beside it stands the loss along this number alone. Its gradient
// is the slope of that curve.
import { chart, rangeOf } from "../chart.js";
import { $ } from "../dom.js";
import { edit, laboratory } from "../laboratory.js";
import { lossesAlong } from "../network/sweep.js";
import { at, shown } from "../step.js";
import { indexed, short } from "../writing.js";
import { panel } from "./tabs.js";

const POINTS = 41;
let range = null;  // of the chosen number, the lowest and the highest value

// Whether the chosen number is one that can be turned: a weight, a bias or a pixel. The others are computed.
function isKnob() {
  if (!laboratory() || !shown.chosen) return false;
  const { plan } = laboratory().network, { id } = shown.chosen;
  return plan.layers.some(({ weight, bias }) => weight === id || bias === id) || plan.layers[0].input === id;
}

// As far as the tensor's numbers go, and half as far again; around a number that lies outside.
function chooseRange() {
  range = null;
  if (!isKnob()) return;
  const { id, r, c } = shown.chosen, value = shown.step.values[id], now = at(value, r, c);
  let [low, high] = [now, now];
  for (const x of value.numbers) [low, high] = [Math.min(low, x), Math.max(high, x)];
  const more = 0.5 * (high - low) || 1;
  range = [low - more, high + more];
  $("knob-slider").min = range[0];
  $("knob-slider").max = range[1];
}

function showKnob() {
  $("knob").hidden = !laboratory() || !shown.chosen;
  for (const id of ["knob-slider", "knob-number", "knob-reset"]) $(id).disabled = !range;
  if ($("knob").hidden) return;
  const { id, r, c } = shown.chosen, value = shown.step.values[id], name = indexed(value.symbol, value.shape, r, c);
  $("knob-name").textContent = name;
  $("knob-curve").hidden = !range;
  if (!range) {
    $("knob-says").textContent = `${name} is computed from others. Choose a weight, a bias or a number of the input to turn.`;
    return;
  }
  const now = at(value, r, c), slope = at(value.gradient, r, c);
  if (now < range[0] || now > range[1]) range = [Math.min(now, range[0]), Math.max(now, range[1])];
  $("knob-slider").value = now;
  if (document.activeElement !== $("knob-number")) $("knob-number").value = String(Number(now.toPrecision(6)));
  drawCurve(name, now, slope);
}

// The loss along the number, its tangent, and the slope between two points of the curve beside the gradient.
function drawCurve(name, now, slope) {
  const { network } = laboratory(), { loss } = shown.step, [low, high] = range, h = (high - low) / 400;
  const points = [...Array(POINTS).keys()].map((i) => low + (i * (high - low)) / (POINTS - 1));
  const along = lossesAlong(network, shown.chosen, [now - h, now + h, ...points]);
  const [before, after] = along.splice(0, 2), curve = { points: points.map((x, i) => [x, along[i]]) };
  const tangent = { points: [low, high].map((x) => [x, loss + slope * (x - now)]), className: "tangent" };
  chart($("knob-curve"), {
    lines: [curve, tangent], spots: [{ at: [now, loss] }], x: range, y: rangeOf([curve, { points: [[now, loss]] }]),
    xTitle: name, yTitle: "loss",
  });
  const { gradient, shape } = shown.step.values[shown.chosen.id];
  $("knob-says").textContent = `L = ${short(loss)}. ${indexed(gradient.symbol, shape, shown.chosen.r, shown.chosen.c)} `
    + `= ${short(slope)}, the slope of the tangent. Measured on the curve, `
    + `(L(w + h) − L(w − h)) / 2h = ${short((after - before) / (2 * h))}, with h = ${short(h)}.`;
}

const place = ({ id, r, c }) => r * shown.step.values[id].rect[1] + c;
const turn = (x) => { if (Number.isFinite(x)) edit(shown.chosen.id, place(shown.chosen), [x]); };

$("knob-slider").addEventListener("input", () => turn(Number($("knob-slider").value)));
$("knob-number").addEventListener("change", () => turn(parseFloat($("knob-number").value)));
$("knob-reset").addEventListener("click", () => {
  const { id } = shown.chosen;
  turn(laboratory().recorded.tensors[id].numbers[place(shown.chosen)]);
});
panel("knob", "step chosen", chooseRange);
panel("knob", "step example chosen numbers", showKnob);
