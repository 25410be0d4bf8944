// The edges between the tiles: grey from each tensor to what is made of it. Once the backward pass has come so far,
// those of the explained gradient go from number to number, the wider the larger the product.
import { $, makeSvg } from "../dom.js";
import { pathOf } from "../products.js";
import { lastPosition, shown, watch } from "../step.js";
import { layout } from "./layout.js";
import { makers, tiles } from "./tiles.js";

function drawEdges() {
  const svg = $("graph").querySelector("svg"), corner = $("graph").getBoundingClientRect();
  svg.replaceChildren();
  for (const call of shown.step.calls)
    for (const id of call.inputs)
      if (tiles.has(id) && shown.step.values[id].kind !== "parameter") drawEdge(svg, corner, id, call.outputs[0]);
  const madeBy = makers(), isReached = (to) => shown.position >= lastPosition() - 1 - madeBy.get(to.id);
  const lit = pathOf(shown.chosen).flatMap(({ place, parts }) => parts.filter((part) => part.lead).map((part) => [place, part.lead, part.product]));
  const most = Math.max(...lit.map(([, , product]) => Math.abs(product)), Number.MIN_VALUE);
  for (const [from, to, product] of lit) {
    if (!tiles.has(from.id) || !tiles.has(to.id) || !isReached(to)) continue;
    const width = 0.4 + 3 * Math.abs(product) / most;
    drawCurve(svg, placeOf(from, corner), placeOf(to, corner), "lit", width);
  }
}

function drawEdge(svg, corner, from, to) {
  const [a, b] = [from, to].map((id) => tiles.get(id).figure.getBoundingClientRect());
  const start = [a.right - corner.left, (a.top + a.bottom) / 2 - corner.top];
  const end = [b.left - corner.left, (b.top + b.bottom) / 2 - corner.top];
  drawCurve(svg, start, end, "edge", 1.5);
}

function drawCurve(svg, [x1, y1], [x2, y2], className, width) {
  const bend = (x1 + x2) / 2, d = `M${x1},${y1} C${bend},${y1} ${bend},${y2} ${x2},${y2}`;
  makeSvg("path", { d, class: className, "stroke-width": width }, svg);
}

// The middle of a number's cell.
function placeOf({ id, r, c }, corner) {
  const { canvas, number } = tiles.get(id).value, box = (canvas || number).getBoundingClientRect();
  const plan = layout(shown.step.values[id]), [x, y] = plan.cell(r, c);
  const left = box.left - corner.left, top = box.top - corner.top;
  return [left + ((x + 0.5) / plan.width) * box.width, top + ((y + 0.5) / plan.height) * box.height];
}

watch("step position example chosen numbers", drawEdges);
window.addEventListener("resize", drawEdges);
