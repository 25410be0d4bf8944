"use strict";
// The data are what was recorded; what is computed here are the products and sums that are shown, and each
// stands beside the recorded number that it must equal.
const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const make = (tag, text = "", parent = null, className = "") => {
  const element = document.createElement(tag);
  element.textContent = text;
  element.className = className;
  if (parent) parent.append(element);
  return element;
};
const short = (x) => (x === 0 ? "0" : Number.isFinite(x) ? String(Number(x.toPrecision(4))) : String(x));
const indexed = (symbol, ...index) => `${symbol}[${index.join(",")}]`;

const numbers = (text) => {
  if (text === null) return null;
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  return new Float32Array(bytes.buffer);
};
for (const step of data.steps)
  for (const side of [...step.values.flatMap((value) => [value, value.gradient]), ...step.calls.flatMap((call) => Object.values(call.gradients))])
    if (side) side.numbers = numbers(side.data);

let step = data.steps[0], position = 0, example = 0, chosen = null, cut = [];
const lastPosition = () => 2 * step.calls.length;

// A tensor is (rows, columns) here: examples and units, or a matrix of weights. Only `shown` of them are in the page.
const at = (side, r, c) => (side && side.numbers && r < side.shown[0] && c < side.shown[1] ? side.numbers[r * side.shown[1] + c] : NaN);
const rowOf = (value) => (value.perExample ? Math.min(example, value.shown[0] - 1) : 0);

const elementwise = new Set("add sub mul div neg exp log pow abs sqrt rsqrt copy dropout gelu silu elu leaky_relu softplus hardtanh hardsigmoid hardswish update overwrite".split(" "));

// ∂L/∂v[r, c] as the sum over its uses of products of recorded factors: [{label, factors, product, lead}]
function terms(id, r, c) {
  const value = step.values[id], found = [];
  for (const [number, place] of value.uses) {
    const call = step.calls[number], out = step.values[call.outputs[0]], g = out.gradient, inputs = call.inputs.map((i) => step.values[i]);
    const add = (factors, names, lead, whole = false) => found.push({ factors, names, lead, whole, product: factors.reduce((a, b) => a * b, 1) });
    if (!g) continue;
    const linear = call.operation === "linear" && out.shape.length <= 2;  // else the rows are not the examples
    if (linear && place === 0) {
      for (let k = 0; k < out.shown[1]; k++) add([at(g, r, k), at(inputs[1], k, c)], [indexed(g.symbol, r, k), indexed(inputs[1].symbol, k, c)], { id: call.outputs[0], r, c: k });
    } else if (linear && place === 1) {
      for (let n = 0; n < out.shown[0]; n++) add([at(g, n, r), at(inputs[0], n, c)], [indexed(g.symbol, n, r), indexed(inputs[0].symbol, n, c)], { id: call.outputs[0], r: n, c: r });
    } else if (linear) {
      for (let n = 0; n < out.shown[0]; n++) add([at(g, n, c)], [indexed(g.symbol, n, c)], { id: call.outputs[0], r: n, c });
    } else if (["relu", "sigmoid", "tanh"].includes(call.operation)) {
      const a = at(out, r, c), slope = { relu: a > 0 ? 1 : 0, sigmoid: a * (1 - a), tanh: 1 - a * a }[call.operation];
      const name = { relu: `[${out.symbol} > 0]`, sigmoid: `${out.symbol}(1 − ${out.symbol})`, tanh: `(1 − ${out.symbol}²)` }[call.operation];
      add([at(g, r, c), slope], [indexed(g.symbol, r, c), name], { id: call.outputs[0], r, c });
    } else if (call.operation === "cross_entropy" && place === 0 && call.plain && value.shown[1] === value.rect[1]) {
      const z = [...Array(value.shown[1]).keys()].map((k) => at(value, r, k)), top = Math.max(...z);
      const p = Math.exp(z[c] - top) / z.reduce((sum, x) => sum + Math.exp(x - top), 0), t = at(inputs[1], 0, r) === c ? 1 : 0;
      add([p - t, 1 / call.divisor, g.numbers[0]], [`(softmax(${value.symbol}) − onehot)[${r},${c}]`, "1/N", "∂L/∂L"], null);
    } else {
      const whole = call.gradients[String(place)] || (value.uses.length === 1 ? value.gradient : null);
      const alike = elementwise.has(call.operation) && String(out.shape) === String(value.shape);
      const lead = out.rect[0] * out.rect[1] === 1 ? { id: call.outputs[0], r: 0, c: 0 } : alike ? { id: call.outputs[0], r, c } : null;
      if (whole) add([at(whole, r, c)], [`through ${call.operation}, operation ${number + 1}`], lead, true);
    }
  }
  return found;
}

function explain(parent, id, r, c) {
  const value = step.values[id], parts = terms(id, r, c), recorded = at(value.gradient, r, c);
  if (value.kind === "loss") { make("p", "∂L/∂L = 1: here the backward pass begins.", parent); return null; }
  const total = parts.reduce((sum, part) => sum + (Number.isNaN(part.product) && cut.length ? 0 : part.product), 0);
  const name = indexed(value.gradient.symbol, r, c);
  const spelled = parts.some((part) => !part.whole), many = parts.length > 1;
  make("p", `${name} = ${many ? `the sum of ${parts.length} ${spelled ? "products" : "parts"}` : spelled ? "the product" : "what came back"}`, parent);
  const list = make("ol", "", parent);
  const order = parts.slice().sort((a, b) => Math.abs(b.product) - Math.abs(a.product));
  for (const part of order.slice(0, 10)) make("li", `${part.names.join(" · ")} = ${part.whole ? "" : `${part.factors.map(short).join(" · ")} = `}${short(part.product)}`, list);
  if (order.length > 10) make("li", `… and ${order.length - 10} smaller ones, together ${short(order.slice(10).reduce((sum, part) => sum + part.product, 0))}`, list);
  const result = make("p", "= ", parent), output = make("output", short(total), result);
  make("span", `   recorded: ${short(recorded)}`, result);
  output.dataset.product = total;
  output.dataset.recorded = recorded;
  output.dataset.name = name;
  if (cut.length && spelled) make("p", "Where a factor is not in this page, its product is missing from the sum.", parent);
  const mine = order.find((part) => part.lead && part.lead.r === example) || order[0];
  return mine && mine.lead && step.values[mine.lead.id].gradient ? mine.lead : null;
}

function showPath() {
  $("path").replaceChildren();
  if (!chosen) return;
  const value = step.values[chosen.id];
  $("tensor").value = String(chosen.id);
  $("row").max = value.shown[0] - 1; $("column").max = value.shown[1] - 1;
  $("row").value = chosen.r; $("column").value = chosen.c;
  if (!value.gradient) { make("p", "Nothing comes back to it: L is not differentiated with respect to it.", $("path")); return drawEdges([]); }
  make("p", `${indexed(value.symbol, chosen.r, chosen.c)} = ${short(at(value, chosen.r, chosen.c))}`, $("path"), "formula");
  let lead = { id: chosen.id, r: chosen.r, c: chosen.c };
  const lit = [];
  for (let depth = 0; lead && depth < 60; depth++) {
    const here = lead;
    for (const part of terms(here.id, here.r, here.c)) if (part.lead) lit.push([here, part.lead, part.product]);
    lead = explain($("path"), here.id, here.r, here.c);
    if (lead) make("p", `where ${indexed(step.values[lead.id].gradient.symbol, lead.r, lead.c)} comes from:`, $("path"));
  }
  drawEdges(lit);
}

const colours = () => { const style = getComputedStyle(document.documentElement); return ["--plus", "--minus", "--back"].map((name) => style.getPropertyValue(name).trim()); };
const channels = (hex) => { const full = hex.length === 4 ? hex.replace(/[0-9a-f]/gi, "$&$&") : hex; return [1, 3, 5].map((i) => parseInt(full.slice(i, i + 2), 16)); };

// How a row of numbers is laid out: the cell of number c
function layout(value) {
  const [rows, columns] = value.shown;
  if (value.kind === "parameter" && rows > 1) return { width: columns, height: rows, cell: (r, c) => [c, r], of: (x, y) => [y, x] };
  if (value.kind === "parameter") return { width: columns, height: 1, cell: (r, c) => [c, 0], of: (x) => [0, x] };
  const side = value.rect[1] <= 20 ? 1 : value.image && columns === value.rect[1] ? value.image : Math.ceil(Math.sqrt(columns));
  return { width: side, height: Math.ceil(columns / side), cell: (r, c) => [c % side, Math.floor(c / side)], of: (x, y) => [rowOf(value), Math.min(y * side + x, columns - 1)] };
}

function paint(canvas, value, side) {
  const plan = layout(value), context = canvas.getContext("2d"), few = plan.width === 1, row = rowOf(value);
  canvas.width = plan.width; canvas.height = plan.height;
  const pixels = context.createImageData(plan.width, plan.height), [plus, minus, back] = colours().map(channels);
  const all = value.kind === "parameter" && value.shown[0] > 1;
  const cells = all ? side.numbers : side.numbers.subarray(row * side.shown[1], (row + 1) * side.shown[1]);
  let most = 0;
  for (const x of cells) if (Math.abs(x) > most) most = Math.abs(x);
  cells.forEach((x, i) => {
    const [cx, cy] = all ? [i % plan.width, Math.floor(i / plan.width)] : plan.cell(row, i);
    const share = most ? Math.min(Math.abs(x) / most, 1) : 0, to = x >= 0 ? plus : minus, p = 4 * (cy * plan.width + cx);
    for (let k = 0; k < 3; k++) pixels.data[p + k] = back[k] + (to[k] - back[k]) * share;
    pixels.data[p + 3] = 255;
  });
  context.putImageData(pixels, 0, 0);
  const scale = few ? [40, Math.min(16, 200 / plan.height)] : Array(2).fill(Math.min(160 / plan.width, 160 / plan.height));
  canvas.style.width = `${Math.max(plan.width * scale[0], 8)}px`;
  canvas.style.height = `${Math.max(plan.height * scale[1], 8)}px`;
}

const tiles = new Map();
function tile(id, parent) {
  const value = step.values[id], figure = make("figure", "", parent), parts = { figure };
  for (const kind of ["value", "gradient"]) {
    const side = kind === "value" ? value : value.gradient;
    if (!side || !side.numbers) continue;
    const box = make("div", "", figure);
    const size = `(${value.shape.join(", ")})`;
    const part = { box };
    if (value.rect[0] * value.rect[1] === 1) part.number = make("span", "", box, "number");
    else {
      part.canvas = make("canvas", "", box);
      part.canvas.setAttribute("role", "img");
      part.canvas.setAttribute("aria-label", `${side.symbol}, ${size}, norm ${short(side.norm)}, ${Math.round(100 * side.zeros)} per cent zeros`);
      part.canvas.addEventListener("click", (event) => {
        const plan = layout(step.values[id]), [r, c] = plan.of(Math.floor((event.offsetX / part.canvas.clientWidth) * plan.width), Math.floor((event.offsetY / part.canvas.clientHeight) * plan.height));
        choose(id, r, c);
      });
    }
    const partial = side.shown[0] * side.shown[1] < side.rect[0] * side.rect[1] ? ", a part" : "";
    make("figcaption", `${side.symbol} ${kind === "value" ? size : `‖${short(side.norm)}‖`}${partial}`, box);
    parts[kind] = part;
  }
  tiles.set(id, parts);
}

function drawGraph() {
  const graph = $("graph");
  graph.replaceChildren();
  tiles.clear();
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  graph.append(svg);
  const column = (title) => { const box = make("div", "", graph, "column"); make("h3", title, box); return box; };
  const made = new Set(step.calls.flatMap((call) => call.outputs));
  const from = column("in");
  step.values.forEach((value, id) => { if (value.kind === "input" && !made.has(id)) tile(id, from); });
  step.calls.forEach((call, i) => {
    const box = column(`${i + 1} ${call.operation}`);
    box.dataset.call = i;
    const isBuffer = (value) => value.kind === "constant" && value.name !== "";
    for (const id of call.inputs) if (!tiles.has(id) && !made.has(id) && step.values[id].numbers && !isBuffer(step.values[id])) tile(id, box);
    for (const id of call.outputs) tile(id, box);
  });
}

function middle(id, r, c, corner) {
  const parts = tiles.get(id), box = (parts.value.canvas || parts.value.number || parts.figure).getBoundingClientRect();
  const plan = layout(step.values[id]), [x, y] = plan.cell(r, c);
  return [box.left - corner.left + ((x + 0.5) / plan.width) * box.width, box.top - corner.top + ((y + 0.5) / plan.height) * box.height];
}

function drawEdges(lit) {
  const svg = $("graph").querySelector("svg"), corner = $("graph").getBoundingClientRect();
  svg.replaceChildren();
  const curve = ([x1, y1], [x2, y2], className, width) => {
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path"), bend = (x1 + x2) / 2;
    path.setAttribute("d", `M${x1},${y1} C${bend},${y1} ${bend},${y2} ${x2},${y2}`);
    path.setAttribute("class", className);
    path.setAttribute("stroke-width", width);
    svg.append(path);
  };
  step.calls.forEach((call) => call.inputs.forEach((id) => {
    if (!tiles.has(id) || !tiles.get(id).value || step.values[id].kind === "parameter") return;
    const a = tiles.get(id).figure.getBoundingClientRect(), b = tiles.get(call.outputs[0]).figure.getBoundingClientRect();
    curve([a.right - corner.left, (a.top + a.bottom) / 2 - corner.top], [b.left - corner.left, (b.top + b.bottom) / 2 - corner.top], "edge", 1.5);
  }));
  const most = Math.max(...lit.map(([, , product]) => Math.abs(product)), 1e-300);
  for (const [from, to, product] of lit) {
    if (!tiles.get(from.id)?.value || !tiles.get(to.id)?.value) continue;
    const [r, c] = step.values[from.id].kind === "parameter" || step.values[from.id].perExample ? [from.r, from.c] : [0, from.c];
    curve(middle(from.id, r, c, corner), middle(to.id, to.r, to.c, corner), "lit", 0.4 + 3 * Math.abs(product) / most);
  }
}

// The formula of a position, with the numbers of the unit that is largest put in
function putIn(call) {
  const out = step.values[call.outputs[0]], inputs = call.inputs.map((i) => step.values[i]), r = rowOf(out);
  let c = 0;
  for (let k = 1; k < out.shown[1]; k++) if (Math.abs(at(out, r, k)) > Math.abs(at(out, r, c))) c = k;
  const left = indexed(out.symbol, r, c), due = at(out, r, c);
  if (call.operation === "linear" && out.shape.length <= 2) {
    const products = [...Array(inputs[0].shown[1]).keys()].map((i) => [at(inputs[0], r, i), at(inputs[1], c, i)]);
    const largest = products.slice().sort((a, b) => Math.abs(b[0] * b[1]) - Math.abs(a[0] * a[1])).slice(0, 3);
    const sum = products.reduce((total, [x, w]) => total + x * w, inputs[2] ? at(inputs[2], 0, c) : 0);
    return `${left} = ${largest.map(([x, w]) => `${short(x)} · ${short(w)}`).join(" + ")}${products.length > largest.length ? ` + … (${products.length} products)` : ""}${inputs[2] ? ` + ${short(at(inputs[2], 0, c))}` : ""} = ${short(sum)}, recorded ${short(due)}`;
  }
  if (["relu", "sigmoid", "tanh"].includes(call.operation)) {
    const z = short(at(inputs[0], r, c));
    return `${left} = ${{ relu: `max(0, ${z})`, sigmoid: `1 / (1 + exp(−(${z})))`, tanh: `tanh ${z}` }[call.operation]} = ${short(due)}`;
  }
  return `${inputs.filter((v) => v.numbers).map((v) => `${v.symbol} = ${short(at(v, rowOf(v), 0))}`).join(", ")} → ${out.symbol} = ${short(due)}`;
}

function say() {
  const count = step.calls.length, box = $("say");
  box.replaceChildren();
  if (position === lastPosition()) {
    make("p", "Update", box);
    make("p", "w ← w − η ∂L/∂w, for every parameter", box, "formula");
    make("p", `L = ${short(step.loss)} becomes ${short(step.losses[step.lrs.indexOf(step.lr)])} with η = ${short(step.lr)}`, box, "numbers");
    return;
  }
  const forward = position < count, number = forward ? position : lastPosition() - 1 - position, call = step.calls[number];
  make("p", `${forward ? "Forward" : "Backward"}, operation ${number + 1} of ${count}: ${call.operation}${call.place ? ` (${call.place})` : ""}`, box);
  if (forward) {
    make("p", call.formula, box, "formula");
    make("p", putIn(call), box, "numbers");
    return;
  }
  for (const back of call.backward) {
    make("p", back.formula, box, "formula");
    const value = step.values[back.input], ulps = back.ulps === null ? "PyTorch's own backward" : `${short(back.ulps)} ulp from autograd's`;
    make("p", `‖${value.gradient ? value.gradient.symbol : ""}‖ = ${short(back.norm)}; ${ulps}`, box, "numbers");
  }
}

function showTiles() {
  const count = step.calls.length;
  const made = new Map(step.calls.flatMap((call, i) => call.outputs.map((id) => [id, i])));
  for (const [id, parts] of tiles) {
    const value = step.values[id], number = made.get(id);
    const computed = number === undefined || position >= number;
    const firstUse = Math.min(...value.uses.map(([call]) => call), Infinity);
    const back = number === count - 1 ? position >= count : position >= 2 * count - 1 - firstUse;
    for (const [kind, on] of [["value", computed], ["gradient", back]]) {
      const part = parts[kind], side = kind === "value" ? value : value.gradient;
      if (!part) continue;
      part.box.classList.toggle("hidden", !on);
      if (part.canvas) paint(part.canvas, value, side);
      else part.number.textContent = short(side.numbers[0]);
    }
  }
  const now = position < count ? position : 2 * count - 1 - position;
  document.querySelectorAll(".column").forEach((box) => box.classList.toggle("now", Number(box.dataset.call) === now && position < 2 * count));
  const box = document.querySelector(".column.now"), frame = $("graph-frame");
  if (box && (box.offsetLeft < frame.scrollLeft || box.offsetLeft + box.offsetWidth > frame.scrollLeft + frame.clientWidth))
    frame.scrollLeft = box.offsetLeft - (frame.clientWidth - box.offsetWidth) / 2;
}

function showRate() {
  const rate = step.lrs[Number($("rate").value)], loss = step.losses[Number($("rate").value)];
  $("rate").setAttribute("aria-valuetext", `η = ${short(rate)}`);
  $("rate-says").textContent = `η = ${short(rate)}: the loss of these examples goes from ${short(step.loss)} to ${short(loss)}.`;
  const svg = $("curve"), finite = step.losses.filter(Number.isFinite), low = Math.min(...finite), high = Math.max(...finite);
  const x = (i) => 34 + (i * 276) / Math.max(step.lrs.length - 1, 1), y = (v) => (Number.isFinite(v) ? 105 - (90 * (v - low)) / (high - low || 1) : 10);
  svg.replaceChildren();
  const draw = (tag, attributes, text = "") => { const element = document.createElementNS("http://www.w3.org/2000/svg", tag); for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value); element.textContent = text; svg.append(element); };
  draw("line", { x1: 34, x2: 310, y1: y(step.loss), y2: y(step.loss) });
  draw("polyline", { points: step.losses.map((v, i) => `${x(i)},${y(v)}`).join(" ") });
  draw("circle", { cx: x(Number($("rate").value)), cy: y(loss), r: 5 });
  draw("text", { x: 0, y: y(high) + 4 }, short(high)); draw("text", { x: 0, y: y(low) + 4 }, short(low));
  step.lrs.forEach((v, i) => { if (i % 3 === 1) draw("text", { x: x(i) - 8, y: 124 }, short(v)); });
  const table = $("moves");
  table.replaceChildren();
  const head = make("tr", "", table);
  for (const title of ["", "‖w‖", "‖∂L/∂w‖", "‖−η ∂L/∂w‖", "update/w"]) make("th", title, head);
  for (const value of step.values.filter((v) => v.learned && v.gradient)) {
    const row = make("tr", "", table);
    const moved = rate * value.gradient.norm;
    for (const cell of [value.symbol, short(value.norm), short(value.gradient.norm), short(moved), value.norm ? short(moved / value.norm) : "–"]) make("td", cell, row);
  }
  if (chosen && step.values[chosen.id].learned && step.values[chosen.id].gradient) {
    const value = step.values[chosen.id], w = at(value, chosen.r, chosen.c), g = at(value.gradient, chosen.r, chosen.c);
    $("rate-says").textContent += ` ${indexed(value.symbol, chosen.r, chosen.c)} goes from ${short(w)} to ${short(w - rate * g)}.`;
  }
}

function choose(id, r, c) {
  chosen = { id, r, c };
  showPath();
  showRate();
}

function show() {
  $("position").max = lastPosition();
  $("position").value = position;
  $("position").setAttribute("aria-valuetext", position < step.calls.length ? "forward" : position < lastPosition() ? "backward" : "update");
  $("back").disabled = $("first").disabled = position === 0;
  $("next").disabled = position === lastPosition();
  say();
  showTiles();
}

function go(to) {
  position = Math.max(0, Math.min(lastPosition(), to));
  show();
}

function load(number) {
  step = data.steps[number];
  const many = Math.max(...step.values.filter((v) => v.perExample).map((v) => v.shown[0]), 1);
  example = Math.min(example, many - 1);
  $("example").max = many;
  $("example").parentElement.hidden = many === 1;
  $("summary").textContent = `Training step ${number + 1} of ${data.steps.length}, ${data.batch} example${data.batch === 1 ? "" : "s"}, η = ${short(step.lr)}: the loss goes from ${short(step.loss)} to ${short(step.losses[step.lrs.indexOf(step.lr)])}.${data.classes && step.target ? ` Example ${example + 1} is of class ${data.classes[step.target[example]]}.` : ""}`;
  cut = step.values.filter((value) => value.rect[0] > value.shown[0] || value.rect[1] > value.shown[1]);
  if (cut.length) $("summary").textContent += ` Too large to be here whole: ${cut.slice(0, 4).map((v) => `${v.symbol} (the first ${v.shown.join(" × ")} of ${v.rect.join(" × ")})`).join(", ")}${cut.length > 4 ? ` and ${cut.length - 4} others` : ""}.`;
  $("tensor").replaceChildren();
  step.values.forEach((value, id) => { if (value.gradient && value.gradient.numbers) { const option = make("option", `${value.symbol} (${value.shape.join(", ")})`, $("tensor")); option.value = id; } });
  $("rate").max = step.lrs.length - 1;
  $("rate").value = step.lrs.indexOf(step.lr);
  $("remarks").replaceChildren();
  $("remarks-section").hidden = step.remarks.length === 0;
  for (const remark of step.remarks) make("li", remark, $("remarks"));
  drawGraph();
  show();
  if (!chosen) {
    const id = step.values.findIndex((value) => value.learned && value.gradient && value.gradient.numbers);
    if (id >= 0) {
      const g = step.values[id].gradient, best = g.numbers.reduce((top, x, i) => (Math.abs(x) > Math.abs(g.numbers[top]) ? i : top), 0);
      chosen = { id, r: Math.floor(best / g.shown[1]), c: best % g.shown[1] };
    }
  }
  showPath();
  showRate();
}

$("first").addEventListener("click", () => go(0));
$("back").addEventListener("click", () => go(position - 1));
$("next").addEventListener("click", () => go(position + 1));
$("position").addEventListener("input", () => go(Number($("position").value)));
const bounded = (input, low, high) => Math.max(low, Math.min(high, Math.round(Number(input.value)) || low));
$("example").addEventListener("change", () => { example = bounded($("example"), 1, Number($("example").max)) - 1; $("example").value = example + 1; load(data.steps.indexOf(step)); });
$("step").addEventListener("change", () => { $("step").value = bounded($("step"), 1, data.steps.length); load(Number($("step").value) - 1); });
$("rate").addEventListener("input", showRate);
for (const id of ["tensor", "row", "column"])
  $(id).addEventListener("change", () => {
    const value = step.values[Number($("tensor").value)];
    choose(Number($("tensor").value), bounded($("row"), 0, value.shown[0] - 1), bounded($("column"), 0, value.shown[1] - 1));
  });
$("choose").addEventListener("submit", (event) => event.preventDefault());
document.addEventListener("keydown", (event) => {
  if (["INPUT", "SELECT"].includes(event.target.tagName) || event.ctrlKey || event.metaKey || event.altKey) return;
  const move = { ArrowRight: position + 1, ArrowLeft: position - 1, Home: 0, End: lastPosition() }[event.key];
  if (move === undefined) return;
  event.preventDefault();
  go(move);
});
window.addEventListener("resize", showPath);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
$("step").max = data.steps.length;
$("steps-label").hidden = data.steps.length === 1;
load(0);
