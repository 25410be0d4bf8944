// The network as columns of tiles, one column an operation; a tile is a tensor and its gradient, as images.
const FEW = 20;  // features up to which an example is a column of squares
const SIDE = 160;  // pixels of an image on the screen

function colours() {
  const style = getComputedStyle(document.documentElement);
  return ["--plus", "--minus", "--back"].map((name) => channels(style.getPropertyValue(name).trim()));
}
function channels(hex) {
  const full = hex.length === 4 ? hex.replace(/[0-9a-f]/gi, "$&$&") : hex;
  return [1, 3, 5].map((i) => parseInt(full.slice(i, i + 2), 16));
}

// How the numbers of a tensor are laid out: `cell` is the place of a number, `of` the number at a place.
function layout(value) {
  const [rows, columns] = value.shown;
  if (isMatrix(value)) return { width: columns, height: rows, cell: (r, c) => [c, r], of: (x, y) => [y, x] };
  if (value.kind === "parameter") return { width: columns, height: 1, cell: (r, c) => [c, 0], of: (x) => [0, x] };
  const width = widthOfExample(value);
  return {
    width,
    height: Math.ceil(columns / width),
    cell: (r, c) => [c % width, Math.floor(c / width)],
    of: (x, y) => [rowOf(value), Math.min(y * width + x, columns - 1)],
  };
}
const isMatrix = (value) => value.kind === "parameter" && value.shown[0] > 1;
function widthOfExample(value) {
  if (value.rect[1] <= FEW) return 1;
  const whole = value.shown[1] === value.rect[1];
  return value.image && whole ? value.image : Math.ceil(Math.sqrt(value.shown[1]));
}

// Paints a tensor's numbers, or its gradient's: all of a matrix of weights, else the row of the example. Until they
// are computed, the place is empty.
function paint(canvas, value, side, isComputed) {
  const plan = layout(value), row = rowOf(value), matrix = isMatrix(value);
  const context = canvas.getContext("2d"), pixels = context.createImageData(plan.width, plan.height);
  const [plus, minus, back] = colours(), cells = matrix ? side.numbers : rowAt(side, row);
  canvas.width = plan.width;
  canvas.height = plan.height;
  let most = 0;
  for (const x of cells) if (Math.abs(x) > most) most = Math.abs(x);
  cells.forEach((x, i) => {
    const [column, line] = matrix ? [i % plan.width, Math.floor(i / plan.width)] : plan.cell(row, i);
    const share = most ? Math.min(Math.abs(x) / most, 1) : 0, to = x >= 0 ? plus : minus;
    const pixel = 4 * (line * plan.width + column);
    for (let k = 0; k < 3; k++) pixels.data[pixel + k] = back[k] + (to[k] - back[k]) * share;
    pixels.data[pixel + 3] = 255;
  });
  if (isComputed) context.putImageData(pixels, 0, 0);
  const square = Math.min(SIDE / plan.width, SIDE / plan.height);
  const [across, down] = plan.width === 1 ? [40, Math.min(16, 200 / plan.height)] : [square, square];
  canvas.style.width = `${Math.max(plan.width * across, 8)}px`;
  canvas.style.height = `${Math.max(plan.height * down, 8)}px`;
}

const tiles = new Map();
function drawGraph() {
  const graph = $("graph"), made = new Set(step.calls.flatMap((call) => call.outputs));
  graph.replaceChildren();
  tiles.clear();
  makeSvg("svg", {}, graph);
  const inputs = drawColumn("in");
  step.values.forEach((value, id) => { if (value.kind === "input" && !made.has(id)) drawTile(id, inputs); });
  step.calls.forEach((call, i) => {
    const column = drawColumn(`${i + 1} ${call.operation}`);
    column.dataset.call = i;
    for (const id of call.inputs)
      if (!tiles.has(id) && !made.has(id) && !isBuffer(step.values[id])) drawTile(id, column);
    for (const id of call.outputs) drawTile(id, column);
  });
}
const isBuffer = (value) => value.kind === "constant" && value.name !== "";

function drawColumn(title) {
  const column = make("div", "", $("graph"), "column");
  make("h3", title, column);
  return column;
}

function drawTile(id, parent) {
  const value = step.values[id], figure = make("figure", "", parent), tile = { figure };
  tile.value = drawSide(id, value, `(${value.shape.join(", ")})`, figure);
  if (value.gradient) tile.gradient = drawSide(id, value.gradient, `‖${short(value.gradient.norm)}‖`, figure);
  tiles.set(id, tile);
}

// A tensor or its gradient: a single number is written, more are an image.
function drawSide(id, side, caption, figure) {
  const box = make("div", "", figure), drawn = { box };
  if (countOf(side) === 1) drawn.number = make("span", "", box, "number");
  else drawn.canvas = drawCanvas(id, side, box);
  const partial = side.shown[0] * side.shown[1] < countOf(side) ? ", a part" : "";
  const words = make("figcaption", "", box);
  make("span", `${side.symbol} `, words);
  make("span", `${caption}${partial}`, words, "known");
  make("span", "not computed yet", words, "unknown");
  return drawn;
}

function drawCanvas(id, side, box) {
  const value = step.values[id], canvas = make("canvas", "", box), size = `(${value.shape.join(", ")})`;
  const zeros = `${Math.round(100 * side.zeros)} per cent zeros`;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `${side.symbol}, ${size}, norm ${short(side.norm)}, ${zeros}`);
  canvas.addEventListener("click", (event) => {
    const plan = layout(value);
    const x = Math.floor((event.offsetX / canvas.clientWidth) * plan.width);
    const y = Math.floor((event.offsetY / canvas.clientHeight) * plan.height);
    choose(id, ...plan.of(x, y));
  });
  return canvas;
}

// Which operation a tensor comes from.
const makers = () => new Map(step.calls.flatMap((call, i) => call.outputs.map((id) => [id, i])));

// Shows what has been computed at this position, and says of the rest that it has not.
function showTiles() {
  const count = step.calls.length, last = count - 1;
  const madeBy = makers();
  for (const [id, tile] of tiles) {
    const value = step.values[id], maker = madeBy.get(id);
    const firstUse = Math.min(...value.uses.map(([call]) => call), Infinity);
    const isComputed = maker === undefined || position >= maker;
    const hasGradient = position >= (maker === last ? count : lastPosition() - 1 - firstUse);
    showSide(tile.value, value, value, isComputed);
    if (tile.gradient) showSide(tile.gradient, value, value.gradient, hasGradient);
  }
  markColumn(position < count ? position : lastPosition() - 1 - position);
}

function showSide(drawn, value, side, on) {
  drawn.box.classList.toggle("waiting", !on);
  if (drawn.canvas) paint(drawn.canvas, value, side, on);
  else drawn.number.textContent = short(side.numbers[0]);
}

function markColumn(number) {
  for (const column of document.querySelectorAll(".column"))
    column.classList.toggle("now", Number(column.dataset.call) === number && position < lastPosition());
  const column = document.querySelector(".column.now"), frame = $("graph-frame");
  if (!column) return;
  const right = column.offsetLeft + column.offsetWidth;
  if (column.offsetLeft < frame.scrollLeft || right > frame.scrollLeft + frame.clientWidth)
    frame.scrollLeft = column.offsetLeft - (frame.clientWidth - column.offsetWidth) / 2;
}
