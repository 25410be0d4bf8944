// A known mistake switched on in the backward pass: its gradients beside the right ones, and both networks trained from
// the same numbers. The page's own network stays as it is.
import { chart, rangeOf } from "../chart.js";
import { $, make } from "../dom.js";
import { drawImages } from "../graph/images.js";
import { largestOf } from "../graph/layout.js";
import { laboratory } from "../laboratory.js";
import { LOSSES } from "../network/layers.js";
import { MISTAKES } from "../network/mistakes.js";
import { change, shown, watch } from "../step.js";
import { counted, short } from "../writing.js";
import { compareGradients } from "./comparison.js";
import { panel } from "./tabs.js";

const STEPS = 100;
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
  const losses = Object.fromEntries(SIDES.map((side) => [side, [networks[side].currentLoss()]]));
  change({ broken: { mistake: mistake.name, lr: shown.lr, networks, losses } });
  compareGradients(networks.right, networks.wrong);
}

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

function step() {
  const { networks, losses, lr } = shown.broken;
  for (const side of SIDES) {
    networks[side].step(lr);
    losses[side].push(networks[side].currentLoss());
  }
}

// A step in each frame, while the panel is open.
function run() {
  frame = 0;
  if (!$("panel-break").hidden) {
    step();
    if (stepsMade() < STEPS) frame = requestAnimationFrame(run);
  }
  showTraining();
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
  const { losses, networks } = shown.broken, lines = SIDES.map(lineOf), y = rangeShown(lines), made = stepsMade();
  const { layers } = laboratory().network.plan, W = shown.step.values[layers[0].weight];
  const { image } = shown.step.values[layers[0].input];
  const spots = SIDES.map((side) => ({ at: [made, losses[side].at(-1)], className: `spot ${side}` }));
  chart($("break-curve"), { lines, spots, x: [0, STEPS], y, xTitle: "step", yTitle: "loss" });
  for (const side of SIDES) {
    $(`break-loss-${side}`).textContent = `L = ${short(losses[side].at(-1))}${classified(networks[side])}`;
    const { numbers } = networks[side].layers[0].weight;
    drawImages($(`break-weights-${side}`), { ...W, numbers }, image);
    const largest = numbers.every(Number.isFinite) ? `up to ±${short(largestOf(numbers))}` : "not finite";
    $(`break-largest-${side}`).textContent = `weights ${largest}`;
  }
  $("break-weights-title").textContent = `${W.symbol} of both`;
  if (!frame) $("break-says").textContent = says(y);
  showButtons();
}

const lineOf = (side) => ({ points: shown.broken.losses[side].map((loss, at) => [at, loss]), className: side });

// All of the right curve, and of the wrong one what is not far above it.
function rangeShown([right, wrong]) {
  const [low, high] = rangeOf([right, wrong]), [, top] = rangeOf([right]);
  return [low, Math.min(high, top + (top - low))];
}

// The share of the examples in the loss whose class has the largest number.
function classified(network) {
  const { kind, input, target, C } = network.loss, examples = network.examples();
  if (!LOSSES[kind].ofClasses) return "";
  const right = examples.filter((n) => {
    const row = input.numbers.subarray(n * C, (n + 1) * C);
    return row.every((x) => x <= row[target.numbers[n]]);
  });
  return `, ${right.length} of ${examples.length} classified right`;
}

function says(y) {
  const { losses, lr } = shown.broken, made = stepsMade(), loss = short(losses.right[0]);
  if (!made) return `Both start from the numbers that the page shows now, L = ${loss}, with η = ${short(lr)}.`;
  const now = SIDES.map((side) => `${side}, L = ${short(losses[side].at(-1))}`).join("; ");
  const above = losses.wrong.findIndex((loss) => loss > y[1] && Number.isFinite(loss));
  const parts = [`After ${counted(made, "step")} with η = ${short(lr)}: ${now}.`];
  if (above >= 0) parts.push(`The wrong curve leaves the picture at step ${above}.`);
  return [...parts, ...SIDES.map(notFinite)].filter(Boolean).join(" ");
}

function notFinite(side) {
  const losses = shown.broken.losses[side], first = losses.findIndex((loss) => !Number.isFinite(loss));
  if (first < 0) return "";
  const why = first > 0 ? ": the numbers have become too large for float32" : "";
  return `From step ${first} on the ${side} loss is not finite (∞ or NaN)${why}.`;
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
panel("break", "broken isDark", showTraining);
