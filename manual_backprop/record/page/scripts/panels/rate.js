// What the update does to the loss and to the parameters, by the learning rate that is chosen.
import { chart, rangeOf } from "../chart.js";
import { $, fillTable } from "../dom.js";
import { lossesAfter } from "../laboratory.js";
import { at, change, normOf, shown } from "../step.js";
import { indexed, short } from "../writing.js";
import { panel } from "./tabs.js";

let rates = [], losses = [];  // learning rates, and the loss after a step with each

function tryRates() {
  const { lr, step } = shown;
  rates = step.lrs.includes(lr) ? step.lrs : [...step.lrs, lr].sort((a, b) => a - b);
  losses = lossesAfter(rates);
}

function showRate() {
  if (!rates.includes(shown.lr)) tryRates();
  const { lr: rate } = shown, number = rates.indexOf(rate);
  const moves = `from ${short(losses[0])} to ${short(losses[number])}`;
  $("rate-slider").max = rates.length - 1;
  $("rate-slider").value = number;
  $("rate-slider").setAttribute("aria-valuetext", `η = ${short(rate)}`);
  $("rate-says").textContent = `η = ${short(rate)}: the loss of these examples goes ${moves}.${moveOfChosen(rate)}`;
  drawLosses(number);
  showMoves(rate);
}

function moveOfChosen(rate) {
  const { chosen, step } = shown, value = chosen && step.values[chosen.id];
  if (!value || !value.learned || !value.gradient) return "";
  const w = at(value, chosen.r, chosen.c), g = at(value.gradient, chosen.r, chosen.c);
  const name = indexed(value.symbol, value.shape, chosen.r, chosen.c);
  return ` ${name} goes from ${short(w)} to ${short(w - rate * g)}.`;
}

// Loss against η. What η is used and what the loss was decide on the range: a loss far above both is cut off.
function drawLosses(number) {
  const line = { points: losses.map((loss, i) => [i, loss]) }, used = rates.indexOf(shown.step.lr);
  const [low, high] = rangeOf([line]), near = Math.max(...[losses[0], losses[used]].filter(Number.isFinite), low);
  const top = near > low ? Math.min(high, near + 0.5 * (near - low)) : high;
  const ticks = rates.map((rate, i) => [i, short(rate)]).filter(([i]) => i % 4 === used % 4 || i === 0);
  chart($("curve"), {
    lines: [line], spots: [{ at: [number, Math.min(losses[number], top)] }], level: losses[0],
    x: [0, rates.length - 1], y: [low, top], ticks, yTitle: "loss",
    xTitle: `learning rate η (${rates === shown.step.lrs ? "logarithmic, but for 0" : "in order"})`,
  });
  sayWhatIsAbove(top);
}

function sayWhatIsAbove(top) {
  const isNone = !losses.some(Number.isFinite);
  $("curve").toggleAttribute("hidden", isNone);
  if (isNone) {
    $("curve-says").textContent = "The loss is not finite, whatever η is.";
    return;
  }
  const above = rates.filter((_, i) => !(losses[i] <= top)), last = losses[rates.indexOf(above.at(-1))];
  const which = above.map((rate) => `η = ${short(rate)}`).join(", ");
  $("curve-says").textContent = above.length
    ? `Above the picture: the loss with ${which}; with the last, ${short(last)}.`
    : "";
}

function showMoves(rate) {
  const learned = shown.step.values.filter((value) => value.learned && value.gradient);
  const rows = learned.map((value) => {
    const [norm, slope] = [normOf(value), normOf(value.gradient)], moved = rate * slope;
    return [value.symbol, short(norm), short(slope), short(moved), norm ? short(moved / norm) : "–"];
  });
  fillTable($("moves"), ["parameter", "‖w‖", "‖∂L/∂w‖", "‖−η ∂L/∂w‖", "update/w"], rows);
}

$("rate-slider").addEventListener("input", () => change({ lr: rates[Number($("rate-slider").value)] }));
panel("rate", "step numbers", tryRates);
panel("rate", "step chosen numbers lr", showRate);
