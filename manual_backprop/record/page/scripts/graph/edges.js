// The edges between the tiles: grey from each tensor to what is made of it. Once the backward pass has come so far,
// those of the explained gradient go from number to number, the wider the larger the product.
import { $, makeSvg } from "../dom.js";
import { pathOf } from "../products.js";
import { lastPosition, shown, watch } from "../step.js";
import { layout } from "./layout.js";
import { makers, tiles } from "./tiles.js";

let boxes = new Map();  // where elements are; nothing moves while training runs

function boxOf(element) {
  if (!boxes.has(element)) boxes.set(element, element.getBoundingClientRect());
  return boxes.get(element);
}

// What is measured comes first, then what is drawn: the browser lays the page out once.
function drawEdges() {
  if (!shown.isRunning) boxes = new Map();
  const svg = $("graph").querySelector("svg"), corner = boxOf($("graph"));
  const curves = [...greyCurves(corner), ...litCurves(corner)];
  svg.replaceChildren();
  for (const curve of curves) makeSvg("path", curve, svg);
}

function greyCurves(corner) {
  const edges = shown.step.calls.flatMap((call) => call.inputs.map((id) => [id, call.outputs[0]]));
  const drawn = edges.filter(([id]) => tiles.has(id) && shown.step.values[id].kind !== "parameter");
  return drawn.map(([from, to]) => {
    const [a, b] = [from, to].map((id) => boxOf(tiles.get(id).figure));
    const start = [a.right - corner.left, (a.top + a.bottom) / 2 - corner.top];
    return curve(start, [b.left - corner.left, (b.top + b.bottom) / 2 - corner.top], "edge", 1.5);
  });
}

function litCurves(corner) {
  const madeBy = makers(), isReached = (to) => shown.position >= lastPosition() - 1 - madeBy.get(to.id);
  const edgesTo = ({ place, parts }) => parts.map(({ lead, product }) => [place, lead, product]);
  const lit = pathOf(shown.chosen).flatMap(edgesTo);
  const drawn = lit.filter(([from, to]) => to && tiles.has(from.id) && tiles.has(to.id) && isReached(to));
  const most = Math.max(...lit.map(([, to, product]) => (to ? Math.abs(product) : 0)), Number.MIN_VALUE);
  return drawn.map(([from, to, product]) => (
    curve(placeOf(from, corner), placeOf(to, corner), "lit", 0.4 + 3 * Math.abs(product) / most)
  ));
}

function curve([x1, y1], [x2, y2], className, width) {
  const bend = (x1 + x2) / 2;
  return { d: `M${x1},${y1} C${bend},${y1} ${bend},${y2} ${x2},${y2}`, class: className, "stroke-width": width };
}

// The middle of a number's cell.
function placeOf({ id, r, c }, corner) {
  const { canvas, number } = tiles.get(id).value, box = boxOf(canvas || number);
  const plan = layout(shown.step.values[id]), [x, y] = plan.cell(r, c);
  const left = box.left - corner.left, top = box.top - corner.top;
  return [left + ((x + 0.5) / plan.width) * box.width, top + ((y + 0.5) / plan.height) * box.height];
}

watch("step position example chosen numbers", drawEdges);
window.addEventListener("resize", () => {
  boxes = new Map();
  drawEdges();
});
