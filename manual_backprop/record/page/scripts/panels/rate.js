// What the update does to the loss and to the parameters, by the learning rate that is chosen.
import { $, make, makeSvg } from "../dom.js";
import { at, shown, watch } from "../step.js";
import { indexed, short } from "../writing.js";

function limitRate() {
  $("rate").max = shown.step.lrs.length - 1;
  $("rate").value = shown.step.lrs.indexOf(shown.step.lr);
}

function showRate() {
  const { step } = shown, chosenRate = Number($("rate").value), rate = step.lrs[chosenRate], loss = step.losses[chosenRate];
  const change = `the loss of these examples goes from ${short(step.loss)} to ${short(loss)}.`;
  $("rate").setAttribute("aria-valuetext", `η = ${short(rate)}`);
  $("rate-says").textContent = `η = ${short(rate)}: ${change}${moveOfChosen(rate)}`;
  drawLosses(chosenRate);
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
  const { step } = shown, svg = $("curve"), used = step.lrs.indexOf(step.lr), finite = step.losses.filter(Number.isFinite);
  const low = Math.min(...finite), high = Math.max(...finite);
  const near = Math.max(...[step.loss, step.losses[used]].filter(Number.isFinite), low);
  const top = near > low ? Math.min(high, near + 0.5 * (near - low)) : high;
  const [left, right, upper, lower] = [52, 312, 16, 118];
  const x = (i) => left + (i * (right - left)) / Math.max(step.lrs.length - 1, 1);
  const height = (v) => lower - ((lower - upper) * (v - low)) / (top - low || 1);
  const y = (v) => (v <= top ? height(v) : upper - 8);
  const write = (text, x, y, anchor) => {
    makeSvg("text", { x, y, "text-anchor": anchor }, svg).textContent = text;
  };
  svg.replaceChildren();
  makeSvg("path", { d: `M${left},${upper - 8} V${lower} H${right}`, class: "axis" }, svg);
  if (Number.isFinite(step.loss))
    makeSvg("line", { x1: left, x2: right, y1: y(step.loss), y2: y(step.loss) }, svg);
  const points = step.losses.map((v, i) => `${x(i)},${y(v)}`);
  makeSvg("polyline", { points: points.join(" ") }, svg);
  makeSvg("circle", { cx: x(chosenRate), cy: y(step.losses[chosenRate]), r: 5 }, svg);
  write("loss", 4, upper - 4, "start");
  write(short(top), left - 5, upper + 12, "end");
  write(short(low), left - 5, lower, "end");
  step.lrs.forEach((v, i) => { if (i % 4 === (used % 4) || i === 0) write(short(v), x(i), lower + 14, "middle"); });
  write("learning rate η (logarithmic, but for 0)", (left + right) / 2, lower + 30, "middle");
  sayWhatIsAbove(top);
}

function sayWhatIsAbove(top) {
  const { step } = shown, above = step.lrs.filter((_, i) => !(step.losses[i] <= top)), largest = step.losses[step.lrs.indexOf(above.at(-1))];
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
    const row = make("tr", "", body), moved = rate * value.gradient.norm;
    const ratio = value.norm ? short(moved / value.norm) : "–";
    const cells = [value.symbol, short(value.norm), short(value.gradient.norm), short(moved), ratio];
    cells.forEach((cell, i) => { make("td", cell, row).dataset.title = titles[i]; });
  }
}

$("rate").addEventListener("input", showRate);
watch("step", limitRate);
watch("step chosen", showRate);
