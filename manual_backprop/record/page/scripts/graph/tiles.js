// The network as columns of tiles, one column an operation; a tile is a tensor and its gradient, as images.
import { $, make, makeSvg } from "../dom.js";
import { open } from "../panels/tabs.js";
import { change, countOf, isCut, lastPosition, normOf, shown, watch, zerosOf } from "../step.js";
import { short } from "../writing.js";
import { layout, paint } from "./layout.js";

export const tiles = new Map();
function drawGraph() {
  const graph = $("graph"), made = new Set(shown.step.calls.flatMap((call) => call.outputs));
  graph.replaceChildren();
  tiles.clear();
  makeSvg("svg", { "aria-hidden": true }, graph);
  const inputs = drawColumn("in");
  shown.step.values.forEach((value, id) => { if (value.kind === "input" && !made.has(id)) drawTile(id, inputs); });
  shown.step.calls.forEach((call, i) => {
    const column = drawColumn(`${i + 1} ${call.operation}`);
    column.dataset.call = i;
    for (const id of call.inputs)
      if (!tiles.has(id) && !made.has(id) && !isBuffer(shown.step.values[id])) drawTile(id, column);
    for (const id of call.outputs) drawTile(id, column);
  });
}
const isBuffer = (value) => value.kind === "constant" && value.name !== "";

// Classes, one for each example: the example's own is shown, as a number.
const isLabel = ({ kind, shape, dtype }) => kind === "input" && shape.length === 1 && dtype === "int64";

function drawColumn(title) {
  const column = make("div", "", $("graph"), "column");
  make("h3", title, column);
  return column;
}

function drawTile(id, parent) {
  const value = shown.step.values[id], figure = make("figure", "", parent), tile = { figure };
  tile.value = drawSide(id, value, figure);
  if (value.gradient) tile.gradient = drawSide(id, value.gradient, figure);
  tiles.set(id, tile);
}

// A tensor or its gradient: a single number is written, more are an image.
function drawSide(id, side, figure) {
  const box = make("div", "", figure), drawn = { box };
  if (countOf(side) === 1 || isLabel(shown.step.values[id])) drawn.number = make("span", "", box, "number");
  else drawn.canvas = drawCanvas(id, side, box);
  const words = make("figcaption", "", box);
  make("span", `${side.symbol} `, words);
  drawn.caption = make("span", "", words, "known");
  make("span", "not yet", words, "unknown");
  return drawn;
}

function drawCanvas(id, side, box) {
  const value = shown.step.values[id], canvas = make("canvas", "", box);
  canvas.setAttribute("role", "img");
  canvas.addEventListener("click", (event) => {
    const plan = layout(value);
    const x = Math.floor((event.offsetX / canvas.clientWidth) * plan.width);
    const y = Math.floor((event.offsetY / canvas.clientHeight) * plan.height);
    const [r, c] = plan.of(x, y);
    change({ chosen: { id, r, c } });
    if ($("panel-rate").hidden) open("knob");  // the other panel that says something of it
  });
  return canvas;
}

// Which operation a tensor comes from.
export const makers = () => new Map(shown.step.calls.flatMap((call, i) => call.outputs.map((id) => [id, i])));

// Shows what has been computed at this position, and says of the rest that it has not.
function showTiles() {
  const count = shown.step.calls.length, last = count - 1;
  const madeBy = makers();
  for (const [id, tile] of tiles) {
    const value = shown.step.values[id], maker = madeBy.get(id);
    const firstUse = Math.min(...value.uses.map(([call]) => call), Infinity);
    const isComputed = maker === undefined || shown.position >= maker;
    const hasGradient = shown.position >= (maker === last ? count : lastPosition() - 1 - firstUse);
    showSide(tile.value, value, value, isComputed);
    if (tile.gradient) showSide(tile.gradient, value, value.gradient, hasGradient);
  }
  markColumn(shown.position < count ? shown.position : lastPosition() - 1 - shown.position);
}

function showSide(drawn, value, side, on) {
  const size = `(${value.shape.join(", ")})`, partial = isCut(side) ? ", a part" : "";
  drawn.box.classList.toggle("waiting", !on);
  if (side === value) drawn.caption.textContent = size + partial;
  else if (on) drawn.caption.textContent = `‖${shown.isRunning ? "…" : short(normOf(side))}‖${partial}`;
  if (drawn.number) drawn.number.textContent = short(side.numbers[isLabel(value) ? shown.example : 0]);
  if (!drawn.canvas) return;
  paint(drawn.canvas, value, side, on);
  if (shown.isRunning) return;
  const computed = `norm ${short(normOf(side))}, ${Math.round(100 * zerosOf(side))} per cent zeros`;
  drawn.canvas.setAttribute("aria-label", `${side.symbol}, ${size}, ${on ? computed : "not computed yet"}`);
}

function markColumn(number) {
  for (const column of document.querySelectorAll(".column"))
    column.classList.toggle("now", Number(column.dataset.call) === number && shown.position < lastPosition());
  const column = document.querySelector(".column.now"), frame = $("graph-frame");
  if (!column) return;
  const right = column.offsetLeft + column.offsetWidth;
  if (column.offsetLeft < frame.scrollLeft || right > frame.scrollLeft + frame.clientWidth)
    frame.scrollLeft = column.offsetLeft - (frame.clientWidth - column.offsetWidth) / 2;
}

watch("step", drawGraph);
watch("step position example numbers isRunning isDark", showTiles);
