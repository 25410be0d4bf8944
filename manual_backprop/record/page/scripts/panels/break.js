// A known mistake switched on in the backward pass: its gradients beside the right ones, and both networks trained from
// the same numbers. The page's own network stays as it is.
import { chart, rangeOf } from "../chart.js";
import { $, make } from "../dom.js";
import { drawImages } from "../graph/images.js";
import { laboratory } from "../laboratory.js";
import { LOSSES } from "../network/layers.js";
import { MISTAKES } from "../network/mistakes.js";
import { lossesAlong } from "../network/sweep.js";
import { change, range, shown, watch } from "../step.js";
import { indexed, short } from "../writing.js";
import { panel } from "./tabs.js";

const STEPS = 100;
const H = 1e-3;  // of the numeric slope
const MISSED = 0.01;  // relative to the larger of the two, the difference that a gradient check forgives
const SIDES = ["right", "wrong"];
let name = MISTAKES[0].name;  // of the chosen mistake
let frame = 0;  // of a run that goes on; 0 while none does

// Both networks with the numbers that the page shows now, and their losses step by step.
function begin() {
  pause();
  const { network } = laboratory(), possible = MISTAKES.filter(({ noDifference }) => !noDifference(network));
  const mistake = possible.find((each) => each.name === name) || possible[0];
  listMistakes(network, mistake);
  $("break-both").hidden = $("break-step").hidden = !mistake;
  if (!mistake) {
    change({ broken: null });
    return;
  }
  const networks = { right: network.copy(), wrong: network.copy(mistake.rules) };
  for (const side of SIDES) networks[side].compute();
  const losses = Object.fromEntries(SIDES.map((side) => [side, [lossOf(networks[side])]]));
  change({ broken: { mistake: mistake.name, lr: shown.lr, networks, losses } });
  compareGradients(networks);
}

const lossOf = (network) => network.loss.output.numbers[0];
const stepsMade = () => shown.broken.losses.right.length - 1;

function listMistakes(network, chosen) {
  for (const mistake of MISTAKES) {
    const [input, reason] = ["", "-reason"].map((part) => $(`break-${mistake.name}${part}`));
    input.checked = mistake === chosen;
    reason.textContent = mistake.noDifference(network) || "";
    input.disabled = reason.textContent !== "";
    SIDES.forEach((side, i) => { $(`break-${mistake.name}-${side}`).textContent = mistake.lines(network)[i]; });
  }
}

// The gradients

function compareGradients({ right, wrong }) {
  const table = $("break-gradients"), pairs = learned(right).map((id) => [right, wrong].map(({ tensors }) => tensors[id].gradient));
  $("break-direction").textContent = direction(...[0, 1].map((i) => pairs.flatMap((pair) => [...pair[i]])));
  const titles = [
    "gradient", "‖right‖", "‖wrong‖", "wrong / right", "angle", "cosine", "differs most at", "right", "wrong", "measured",
    "a check tells",
  ];
  table.replaceChildren();
  const head = make("tr", "", make("thead", "", table)), body = make("tbody", "", table);
  for (const title of titles) make("th", title, head);
  learned(right).forEach((id, i) => {
    const row = make("tr", "", body), cells = [shown.step.values[id].gradient.symbol, ...between(...pairs[i]), ...check(right, id, ...pairs[i])];
    cells.forEach((cell, at) => { make("td", cell, row).dataset.title = titles[at]; });
  });
}

const learned = ({ tensors }) => range(tensors.length).filter((id) => tensors[id].learned && tensors[id].gradient);
const dot = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);
const norm = (a) => Math.sqrt(dot(a, a));
const cosine = (a, b) => Math.max(-1, Math.min(1, dot(a, b) / (norm(a) * norm(b))));
const degrees = (cos) => (Math.acos(cos) * 180) / Math.PI;
const isSame = (a, b) => a.every((x, i) => Object.is(x, b[i]) || x === b[i]);

function between(right, wrong) {
  const cos = cosine(right, wrong);
  const angle = Number.isNaN(cos) ? "–" : `${Math.round(degrees(cos))}°`;
  return [short(norm(right)), short(norm(wrong)), short(norm(wrong) / norm(right)), angle, short(cos)];
}

// Of all parameters together: where the wrong gradient points, and whether the loss falls against it.
function direction(right, wrong) {
  const cos = cosine(right, wrong), times = norm(wrong) / norm(right);
  if (isSame(right, wrong)) return "With these numbers the mistake makes no difference.";
  if (Number.isNaN(cos)) return "The two cannot be compared: one is zero or not finite.";
  const long = Math.abs(times - 1) < 0.005 ? "as long as" : `${short(times)} times as long as`;
  const angle = Math.round(degrees(cos)), where = angle === 0 ? "in the same direction" : `${angle}° away from it`;
  const so = Math.abs(cos) < 0.01 ? "hardly changes the loss" : cos > 0 ? "still lowers the loss" : "raises the loss";
  return `All parameters together: the wrong gradient is ${long} the right one, ${where}. A small enough step against it ${so}.`;
}

// The number where the two differ most, and the slope of the loss along it.
function check(network, id, right, wrong) {
  if (isSame(right, wrong)) return ["nowhere", "", "", "", "no: the same"];
  const { columns } = network.tensors[id], { symbol, shape } = shown.step.values[id];
  const place = range(right.length).reduce((top, i) => (far(right[i], wrong[i]) > far(right[top], wrong[top]) ? i : top), 0);
  const chosen = { id, r: Math.floor(place / columns), c: place % columns }, w = network.tensors[id].numbers[place];
  const [before, after] = lossesAlong(network, chosen, [w - H, w + H]), measured = (after - before) / (2 * H);
  const numbers = [right[place], wrong[place], measured].map(short);
  const is = (gradient) => far(gradient, measured) <= MISSED * Math.max(Math.abs(gradient), Math.abs(measured));
  const tells = is(wrong[place]) ? "no: too close" : is(right[place]) ? "yes" : "no: too small to measure";
  return [indexed(symbol, shape, chosen.r, chosen.c), ...numbers, tells];
}
const far = (a, b) => Math.abs(a - b);

// Training

function step() {
  const { networks, losses, lr } = shown.broken;
  for (const side of SIDES) {
    networks[side].step(lr);
    losses[side].push(lossOf(networks[side]));
  }
}

function run() {
  frame = 0;
  if ($("panel-break").hidden) pause();
  else {
    step();
    if (stepsMade() < STEPS) frame = requestAnimationFrame(run);
    showTraining();
  }
}

function start() {
  if (stepsMade() === STEPS) begin();
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
    while (stepsMade() < STEPS) step();
    showTraining();
  } else run();
}

function pause() {
  cancelAnimationFrame(frame);
  frame = 0;
  if (shown.broken) showButtons();
}

function showButtons() {
  const made = stepsMade();
  $("break-run").textContent = frame ? "pause" : made % STEPS ? "go on" : "train both, a hundred steps";
  $("break-start").disabled = made === 0;
}

function showTraining() {
  if (!shown.broken) return;
  const { losses, networks } = shown.broken, lines = SIDES.map((side) => lineOf(side));
  const y = rangeShown(lines), made = stepsMade();
  const spots = SIDES.map((side) => ({ at: [made, losses[side].at(-1)], className: `spot ${side}` }));
  chart($("break-curve"), { lines, spots, x: [0, STEPS], y, xTitle: "step", yTitle: "loss" });
  for (const side of SIDES) {
    $(`break-loss-${side}`).textContent = `L = ${short(losses[side].at(-1))}${classified(networks[side])}`;
    const { rows, columns, numbers } = networks[side].layers[0].weight;
    drawImages($(`break-weights-${side}`), { rect: [rows, columns], numbers }, image());
  }
  $("break-weights-title").textContent = `${shown.step.values[laboratory().network.plan.layers[0].weight].symbol} of both`;
  if (!frame) $("break-says").textContent = says(y);
  showButtons();
}

const image = () => shown.step.values[laboratory().network.plan.layers[0].input].image;
const lineOf = (side) => ({ points: shown.broken.losses[side].map((loss, at) => [at, loss]), className: side });

// All of the right curve, and of the wrong one what is not far above it.
function rangeShown([right, wrong]) {
  const [low, high] = rangeOf([right, wrong]), [, top] = rangeOf([right]);
  return [low, Math.min(high, top + (top - low))];
}

// The share of the examples in the loss whose class has the largest number.
function classified({ loss: { kind, input, target, C }, included }) {
  if (!LOSSES[kind].ofClasses) return "";
  const examples = range(included.length).filter((n) => included[n]);
  const right = examples.filter((n) => {
    const row = input.numbers.subarray(n * C, (n + 1) * C);
    return row.every((x) => x <= row[target.numbers[n]]);
  });
  return `, ${right.length} of ${examples.length} classified right`;
}

function says(y) {
  const { losses, lr } = shown.broken, made = stepsMade();
  if (!made) return `Both start from the numbers that the page shows now, L = ${short(losses.right[0])}, with η = ${short(lr)}.`;
  const now = SIDES.map((side) => `${side}, L = ${short(losses[side].at(-1))}`).join("; ");
  const above = losses.wrong.findIndex((loss) => loss > y[1] && Number.isFinite(loss));
  const parts = [`After ${made} step${made === 1 ? "" : "s"} with η = ${short(lr)}: ${now}.`];
  if (above >= 0) parts.push(`The wrong curve leaves the picture at step ${above}.`);
  return [...parts, ...SIDES.map(notFinite)].filter(Boolean).join(" ");
}

function notFinite(side) {
  const losses = shown.broken.losses[side], first = losses.findIndex((loss) => !Number.isFinite(loss));
  if (first < 0) return "";
  const what = Number.isNaN(losses[first]) ? "NaN, which is not a number" : "infinite";
  return `The ${side} loss is ${what}, from step ${first} on: the numbers have become too large for float32.`;
}

for (const mistake of MISTAKES) {
  const option = make("div", "", $("break-mistakes"), "mistake"), input = make("input", "", option);
  Object.assign(input, { type: "radio", name: "mistake", id: `break-${mistake.name}` });
  input.setAttribute("aria-describedby", `${input.id}-about ${input.id}-reason`);
  make("label", mistake.title, option).htmlFor = input.id;
  const lines = make("dl", "", option);
  for (const side of SIDES) {
    const line = make("div", "", lines, side);
    make("dt", side, line);
    make("dd", "", line).id = `${input.id}-${side}`;
  }
  make("p", mistake.about, option, "about").id = `${input.id}-about`;
  make("p", "", option, "reason").id = `${input.id}-reason`;
  input.addEventListener("change", () => {
    ({ name } = mistake);
    begin();
  });
}
$("break-run").addEventListener("click", () => {
  if (!frame) start();
  else {
    pause();
    showTraining();
  }
});
$("break-start").addEventListener("click", begin);
watch("step", pause);
panel("break", "step numbers lr", begin);
panel("break", "broken", showTraining);
