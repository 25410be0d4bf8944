// The chosen number's gradient as a sum of parts, then the gradient that the largest part comes through, and so
// on to the loss.
const MOST_PARTS = 10, LONGEST_PATH = 60;
let lit = [];  // the parts of the explained gradient, each from a number to one that it comes through

function showPath() {
  const path = $("path");
  path.replaceChildren();
  lit = [];
  if (!chosen) return;
  const value = step.values[chosen.id];
  showChoice(value);
  if (!value.gradient) {
    make("p", "Nothing comes back to it: L is not differentiated with respect to it.", path);
    drawEdges();
    return;
  }
  const number = indexed(value.symbol, value.shape, chosen.r, chosen.c);
  make("p", `${number} = ${short(at(value, chosen.r, chosen.c))}`, path, "formula");
  let here = { id: chosen.id, r: chosen.r, c: chosen.c };
  for (let depth = 0; here && depth < LONGEST_PATH; depth++) {
    const from = here, parts = partsOf(here.id, here.r, here.c);
    for (const part of parts) if (part.lead) lit.push([from, part.lead, part.product]);
    here = explain(path, here, parts);
    if (here) {
      const { gradient, shape } = step.values[here.id];
      make("p", `where ${indexed(gradient.symbol, shape, here.r, here.c)} comes from:`, path);
    }
  }
  drawEdges();
}

function showChoice(value) {
  $("tensor").value = String(chosen.id);
  $("row").max = value.shown[0] - 1;
  $("column").max = value.shown[1] - 1;
  $("row").value = chosen.r;
  $("column").value = chosen.c;
}

// Says what the gradient of a number is the sum of; returns the place that its largest part comes through.
function explain(parent, { id, r, c }, parts) {
  const value = step.values[id];
  if (value.kind === "loss") {
    make("p", "∂L/∂L = 1: here the backward pass begins.", parent);
    return null;
  }
  const name = indexed(value.gradient.symbol, value.shape, r, c), written = parts.some((part) => !part.whole);
  make("p", `${name} is ${whatItIs(parts.length, written)}`, parent);
  const bySize = parts.slice().sort((a, b) => Math.abs(b.product) - Math.abs(a.product));
  listParts(parent, bySize);
  showSum(parent, name, parts, at(value.gradient, r, c));
  const next = bySize.find((part) => part.lead && part.lead.r === example) || bySize[0];
  return next && next.lead && step.values[next.lead.id].gradient ? next.lead : null;
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
  if (rest.length) make("li", `… and ${rest.length} smaller ones, together ${short(sum(rest))}`, list);
}

// The sum of the parts, beside what was recorded. Of a tensor that is too large for the page, factors are missing.
function showSum(parent, name, parts, recorded) {
  const known = parts.filter((part) => !(Number.isNaN(part.product) && cut.length));
  const total = sum(known.map((part) => part.product)), missing = parts.length - known.length || isPartial(parts);
  const line = make("p", missing ? "those that are in this page, together: " : "= ", parent);
  const output = make("output", short(total), line);
  make("span", `; recorded: ${short(recorded)}`, line);
  output.dataset.product = total;
  output.dataset.recorded = recorded;
  output.dataset.name = name;
}
const isPartial = (parts) => cut.length > 0 && parts.some((part) => !part.whole);
