// Draw the input of the example: what the network makes of it, and which weights it would change.
import { $, make } from "../dom.js";
import { fill, largestOf } from "../graph/layout.js";
import { edit, include, laboratory } from "../laboratory.js";
import { LOSSES, softmax } from "../network/layers.js";
import { data, extent, placeOfLargest, range, rowAt, shown } from "../step.js";
import { short } from "../writing.js";
import { panel } from "./tabs.js";

const UNITS = 8;  // pictures of what changes
const RADIUS = 1.6;  // of the brush, in pixels of the input

let cursor = { x: 0, y: 0 };  // the pixel that the keys draw
let strokes = null;  // pixels drawn since the last frame, each with how strongly; null while there are none

const isErasing = (event) => event.shiftKey || $("draw-erase").checked;
const plan = () => laboratory().network.plan;
const input = () => shown.step.values[plan().layers[0].input];
const place = () => shown.example * input().rect[1];

// The paper and the ink: the lowest and the highest number of all examples, as they were recorded.
function paperAndInk() {
  const [low, high] = extent(laboratory().recorded.tensors[plan().layers[0].input].numbers);
  return low < high ? [low, high] : [0, 1];
}

function put(numbers) {
  edit(plan().layers[0].input, place(), numbers);
}

// A soft round brush: full at its middle, nothing at its rim; what is drawn already stays. With `erase`, paper.
function stroke(x, y, erase) {
  if (!strokes) requestAnimationFrame(drawStrokes);
  strokes = [...(strokes || []), { x, y, erase }];
}

function drawStrokes() {
  const { image: side } = input(), [paper, ink] = paperAndInk(), numbers = rowAt(input(), shown.example).slice();
  for (const { x, y, erase } of strokes)
    numbers.forEach((before, i) => {
      const distance = Math.hypot((i % side) + 0.5 - x, Math.floor(i / side) + 0.5 - y);
      const drawn = paper + (ink - paper) * Math.min(1, 2 * Math.max(0, 1 - distance / RADIUS));
      if (erase && distance < RADIUS) numbers[i] = paper;
      else if (!erase) numbers[i] = Math.max(before, drawn);
    });
  strokes = null;
  put(numbers);
}

function showDrawing() {
  showPaper();
  showTarget();
  showBelief();
  showChanges();
}

function showPaper() {
  const canvas = $("draw-canvas"), context = canvas.getContext("2d"), { image: side } = input();
  const [paper, ink] = paperAndInk(), mnist = side === 28 ? " MNIST's digits are 20 pixels high and in the middle." : "";
  $("draw-paper").textContent = `Paper is ${short(paper)}, ink is ${short(ink)}.${mnist}`;
  canvas.width = canvas.height = side;
  fill(canvas, rowAt(input(), shown.example));
  if (document.activeElement !== canvas) return;
  context.fillStyle = getComputedStyle(canvas).outlineColor;
  context.fillRect(cursor.x, cursor.y, 1, 1);
}

const hasClasses = () => LOSSES[plan().loss.kind].ofClasses;
const nameOf = (k) => (data.classes && data.classes[k] !== undefined ? data.classes[k] : String(k));

function showTarget() {
  const { network } = laboratory(), { example, step } = shown, { length: all } = network.included;
  const count = network.examples().length, isAlone = count === 1 && network.included[example] === 1;
  $("draw-target").parentElement.hidden = !hasClasses();
  if (hasClasses()) {
    const classes = step.values[plan().loss.input].rect[1];
    if ($("draw-target").length !== classes) {
      $("draw-target").replaceChildren();
      for (const k of range(classes)) make("option", nameOf(k), $("draw-target")).value = k;
    }
    $("draw-target").value = String(step.values[plan().loss.target].numbers[example]);
  }
  $("draw-alone").checked = isAlone;
  $("draw-alone").parentElement.hidden = all === 1;
  const over = plan().loss.mean ? "the mean over" : "the sum over";
  const ofWhich = count === all ? `${over} all ${count} examples` : `of example ${network.examples()[0] + 1} alone`;
  $("draw-says").textContent = `L = ${short(step.loss)}, ${ofWhich}.`;
}

// The probabilities, or, for a squared error, the outputs.
function showBelief() {
  const out = rowAt(shown.step.values[plan().loss.input], shown.example), p = hasClasses() ? softmax(out) : out;
  const most = hasClasses() ? 1 : largestOf(out), table = $("draw-belief"), best = placeOfLargest(p);
  const target = hasClasses() ? shown.step.values[plan().loss.target].numbers[shown.example] : null;
  $("draw-belief-title").textContent = hasClasses() ? `It believes: ${nameOf(best)}` : "What comes out";
  table.replaceChildren();
  p.forEach((x, k) => {
    const row = make("tr", "", table, k === target ? "target" : "");
    make("th", k === target ? `${nameOf(k)} (target)` : nameOf(k), row).scope = "row";
    const bar = make("span", "", make("td", "", row), x < 0 ? "bar minus-bar" : "bar");
    bar.style.width = `${Math.min(100, (100 * Math.abs(x)) / most)}%`;
    make("td", short(x), row);
  });
}

// Of the first layer, what a step takes from this example alone: −η δ[n,k] x[n], the input itself, by each unit's δ.
function showChanges() {
  const { output: z } = plan().layers[0], delta = rowAt(shown.step.values[z].gradient, shown.example);
  const pixels = rowAt(input(), shown.example), { image: side } = input(), { symbol } = shown.step.values[z].gradient;
  const changed = range(delta.length).filter((k) => delta[k] !== 0), idle = delta.length - changed.length;
  const units = changed.sort((a, b) => Math.abs(delta[b]) - Math.abs(delta[a])).slice(0, UNITS);
  const most = Math.abs(delta[units[0]]) * largestOf(pixels) || 1;
  $("draw-changes").textContent = `−η ${symbol}[${shown.example},k] x[${shown.example}]: to each unit's weights the `
    + `input itself is added, times −η and the unit's δ. ${idle} of ${delta.length} units have δ = 0 and are not `
    + `changed by it.${units.length ? " Those that are changed most:" : ""}`;
  $("draw-units").replaceChildren();
  for (const k of units) {
    const figure = make("figure", "", $("draw-units")), canvas = make("canvas", "", figure);
    const change = pixels.map((each) => -delta[k] * each);
    canvas.width = canvas.height = side;
    fill(canvas, change, most);
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `what is added to the weights of unit ${k}, ${symbol} = ${short(delta[k])}`);
    make("figcaption", `unit ${k}: δ = ${short(delta[k])}`, figure);
  }
}

function pixelAt(event) {
  const canvas = $("draw-canvas"), { image: side } = input();
  return [event.offsetX, event.offsetY].map((at) => (at / canvas.clientWidth) * side);
}

$("draw-canvas").addEventListener("pointerdown", (event) => {
  event.preventDefault();
  $("draw-canvas").setPointerCapture(event.pointerId);
  stroke(...pixelAt(event), isErasing(event));
});
$("draw-canvas").addEventListener("pointermove", (event) => {
  // A page that did not come by HTTPS or from a file has no coalesced events.
  const events = event.getCoalescedEvents ? event.getCoalescedEvents() : [event];
  if (event.buttons) for (const each of events) stroke(...pixelAt(each), isErasing(event));
});
$("draw-canvas").addEventListener("keydown", (event) => {
  const { image: side } = input(), { x, y } = cursor;
  const to = { ArrowRight: [x + 1, y], ArrowLeft: [x - 1, y], ArrowDown: [x, y + 1], ArrowUp: [x, y - 1] }[event.key];
  if (to) cursor = { x: (to[0] + side) % side, y: (to[1] + side) % side };
  else if (event.key === " " || event.key === "Enter") stroke(x + 0.5, y + 0.5, isErasing(event));
  else return;
  event.preventDefault();
  event.stopPropagation();
  const now = rowAt(input(), shown.example)[cursor.y * side + cursor.x];
  $("draw-cursor").textContent = `row ${cursor.y}, column ${cursor.x}: ${short(now)}`;
  showPaper();
});
for (const event of ["focus", "blur"]) $("draw-canvas").addEventListener(event, showPaper);
$("draw-clear").addEventListener("click", () => put(Array(input().rect[1]).fill(paperAndInk()[0])));
$("draw-reset").addEventListener("click", () => {
  const { tensors } = laboratory().recorded, { target } = plan().loss;
  if (hasClasses()) edit(target, shown.example, [tensors[target].numbers[shown.example]]);
  put(tensors[plan().layers[0].input].numbers.subarray(place(), place() + input().rect[1]));
});
$("draw-target").addEventListener("change", () => {
  edit(plan().loss.target, shown.example, [Number($("draw-target").value)]);
});
$("draw-alone").addEventListener("change", () => {
  const all = range(laboratory().network.included.length);
  include($("draw-alone").checked ? [shown.example] : all);
});
panel("draw", "step example numbers lr isDark", showDrawing);
