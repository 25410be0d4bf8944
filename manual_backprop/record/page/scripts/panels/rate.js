// What the update does to the loss and to the parameters, by the learning rate that is chosen.
import { $, make, makeSvg } from "../dom.js";
import { isRecorded, laboratory } from "../laboratory.js";
import { lossesByRate } from "../network/sweep.js";
import { at, change, normOf, shown } from "../step.js";
import { indexed, short } from "../writing.js";
import { panel } from "./tabs.js";

let rates = [], losses = [];  // learning rates, and the loss after a step with each

// Those that were recorded; of other numbers the page computes them.
function tryRates() {
  const { lr, step } = shown;
  rates = step.lrs.includes(lr) ? step.lrs : [...step.lrs, lr].sort((a, b) => a - b);
  losses = isRecorded() && rates === step.lrs ? step.losses : lossesByRate(laboratory().network, rates);
}

function showRate() {
  if (!rates.includes(shown.lr)) tryRates();
  const number = rates.indexOf(shown.lr), rate = shown.lr, moves = `from ${short(losses[0])} to ${short(losses[number])}`;
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
function drawLosses(chosenRate) {
  const svg = $("curve"), used = rates.indexOf(shown.step.lr), finite = losses.filter(Number.isFinite);
  const low = Math.min(...finite), high = Math.max(...finite);
  const near = Math.max(...[losses[0], losses[used]].filter(Number.isFinite), low);
  const top = near > low ? Math.min(high, near + 0.5 * (near - low)) : high;
  const [left, right, upper, lower] = [52, 312, 16, 118];
  const x = (i) => left + (i * (right - left)) / Math.max(rates.length - 1, 1);
  const height = (v) => lower - ((lower - upper) * (v - low)) / (top - low || 1);
  const y = (v) => (v <= top ? height(v) : upper - 8);
  const write = (text, x, y, anchor) => {
    makeSvg("text", { x, y, "text-anchor": anchor }, svg).textContent = text;
  };
  svg.replaceChildren();
  makeSvg("path", { d: `M${left},${upper - 8} V${lower} H${right}`, class: "axis" }, svg);
  if (Number.isFinite(losses[0]))
    makeSvg("line", { x1: left, x2: right, y1: y(losses[0]), y2: y(losses[0]) }, svg);
  makeSvg("polyline", { points: losses.map((v, i) => `${x(i)},${y(v)}`).join(" ") }, svg);
  makeSvg("circle", { cx: x(chosenRate), cy: y(losses[chosenRate]), r: 5 }, svg);
  write("loss", 4, upper - 4, "start");
  write(short(top), left - 5, upper + 12, "end");
  write(short(low), left - 5, lower, "end");
  rates.forEach((v, i) => { if (i % 4 === (used % 4) || i === 0) write(short(v), x(i), lower + 14, "middle"); });
  write("learning rate η (logarithmic, but for 0)", (left + right) / 2, lower + 30, "middle");
  sayWhatIsAbove(top);
}

function sayWhatIsAbove(top) {
  const above = rates.filter((_, i) => !(losses[i] <= top)), largest = losses[rates.indexOf(above.at(-1))];
  $("curve-says").textContent = above.length
    ? `Above the picture: the loss with ${above.map((rate) => `η = ${short(rate)}`).join(", ")}; with the last, ${short(largest)}.`
    : "";
}

function showMoves(rate) {
  const table = $("moves"), titles = ["parameter", "‖w‖", "‖∂L/∂w‖", "‖−η ∂L/∂w‖", "update/w"];
  table.replaceChildren();
  const head = make("tr", "", make("thead", "", table)), body = make("tbody", "", table);
  for (const title of titles) make("th", title, head);
  for (const value of shown.step.values.filter((v) => v.learned && v.gradient)) {
    const row = make("tr", "", body), [norm, slope] = [normOf(value), normOf(value.gradient)], moved = rate * slope;
    const cells = [value.symbol, short(norm), short(slope), short(moved), norm ? short(moved / norm) : "–"];
    cells.forEach((cell, i) => { make("td", cell, row).dataset.title = titles[i]; });
  }
}

$("rate-slider").addEventListener("input", () => change({ lr: rates[Number($("rate-slider").value)] }));
panel("rate", "step numbers", tryRates);
panel("rate", "step chosen numbers lr", showRate);
