// The chosen number's gradient as a sum of parts, then the gradient that the largest part comes through, and so
// on to the loss.
import { $, bounded, make } from "../dom.js";
import { bySize, pathOf } from "../products.js";
import { isRecorded } from "../laboratory.js";
import { at, change, isCut, shown, sum } from "../step.js";
import { inProduct, indexed, short } from "../writing.js";
import { panel } from "./tabs.js";

const MOST_PARTS = 10;

function listTensors() {
  $("tensor").replaceChildren();
  shown.step.values.forEach(({ symbol, shape, gradient, kind }, id) => {
    if (!gradient && kind !== "parameter") return;
    make("option", `${symbol} (${shape.join(", ")})`, $("tensor")).value = id;
  });
}

function showPath() {
  const path = $("path"), { chosen, step } = shown;
  path.replaceChildren();
  if (!chosen) return;
  const value = step.values[chosen.id];
  showChoice(value);
  if (!value.gradient) {
    make("p", "Nothing comes back to it: L is not differentiated with respect to it.", path);
    return;
  }
  make("p", `${nameOf(value, chosen)} = ${short(at(value, chosen.r, chosen.c))}`, path, "formula");
  pathOf(chosen).forEach(({ place, parts }, depth, all) => {
    const { gradient, shape } = step.values[place.id], name = indexed(gradient.symbol, shape, place.r, place.c);
    if (depth) make("p", `where ${name}${ofWhich(place, all[depth - 1].parts)} comes from:`, path);
    explain(path, place, parts);
  });
}

// Of parts of several examples, the one that is gone on with.
function ofWhich({ id, r }, parts) {
  const isOfExample = shown.step.values[id].perExample && r === shown.example;
  return isOfExample && parts.some(({ lead }) => lead && lead.r !== r) ? ` (of example ${r + 1}, which is shown)` : "";
}
const nameOf = (value, { r, c }) => indexed(value.symbol, value.shape, r, c);

function showChoice(value) {
  const { id, r, c } = shown.chosen;
  $("tensor").value = String(id);
  $("row").max = value.shown[0] - 1;
  $("column").max = value.shown[1] - 1;
  for (const [i, field] of ["row", "column"].entries()) $(field).parentElement.hidden = value.shown[i] === 1;
  $("row").value = r;
  $("column").value = c;
}

// Says what the gradient of a number is the sum of.
function explain(parent, { id, r, c }, parts) {
  const value = shown.step.values[id];
  if (value.kind === "loss") {
    make("p", "∂L/∂L = 1: here the backward pass begins.", parent);
    return;
  }
  const name = indexed(value.gradient.symbol, value.shape, r, c), written = parts.some((part) => !part.whole);
  make("p", `${name} is ${whatItIs(parts.length, written)}`, parent);
  listParts(parent, bySize(parts));
  showSum(parent, name, parts, at(value.gradient, r, c));
}

function whatItIs(count, written) {
  if (count > 1) return `the sum of ${count} ${written ? "products" : "parts"}`;
  return written ? "the product" : "what came back";
}

function listParts(parent, parts) {
  const list = make("ol", "", parent);
  for (const part of parts.slice(0, MOST_PARTS)) {
    const names = part.names.join(" · "), product = short(part.product);
    if (part.whole) make("li", `${names}: ${product}`, list);
    else if (part.factors.length === 1) make("li", `${names} = ${product}`, list);
    else make("li", `${names} = ${part.factors.map(inProduct).join(" · ")} = ${product}`, list);
  }
  const rest = parts.slice(MOST_PARTS).map((part) => part.product);
  if (rest.length) make("li", `… and ${rest.length} smaller ones, together ${short(sum(rest))}`, list, "rest");
}

// The sum of the parts, beside what was recorded. Of a tensor that is too large for the page, factors are missing.
function showSum(parent, name, parts, recorded) {
  const cut = shown.step.values.some(isCut);
  const known = parts.filter((part) => !(Number.isNaN(part.product) && cut));
  const missing = known.length < parts.length || (cut && parts.some((part) => !part.whole));
  const total = sum(known.map((part) => part.product));
  const line = make("p", missing ? "those that are in this page, together: " : "= ", parent);
  const output = make("output", short(total), line);
  make("span", `; ${isRecorded() ? "recorded" : "by the backward pass"}: ${short(recorded)}`, line);
  output.dataset.product = total;
  output.dataset.recorded = recorded;
  output.dataset.name = name;
}

for (const id of ["tensor", "row", "column"])
  $(id).addEventListener("change", () => {
    const tensor = Number($("tensor").value), { perExample, shown: [rows, columns] } = shown.step.values[tensor];
    if (id === "tensor" && perExample) $("row").value = shown.example;
    const [r, c] = [bounded($("row"), 0, rows - 1), bounded($("column"), 0, columns - 1)];
    change({ chosen: { id: tensor, r, c } });
  });
$("choose").addEventListener("submit", (event) => event.preventDefault());
panel("knob", "step", listTensors);
panel("knob", "step example chosen numbers", showPath);
