// The controls, and what each of them shows anew.
function load(number) {
  step = data.steps[number];
  cut = step.values.filter((value) => value.rect[0] > value.shown[0] || value.rect[1] > value.shown[1]);
  limitControls();
  $("summary").textContent = summary(number) + whatIsCut();
  $("about").textContent = data.about;
  listTensors();
  listRemarks();
  drawGraph();
  show();
  if (!chosen) chosen = firstChoice();
  showPath();
  showRate();
}

function limitControls() {
  const examples = Math.max(...step.values.filter((v) => v.perExample).map((v) => v.shown[0]), 1);
  example = Math.min(example, examples - 1);
  $("example").max = examples;
  $("example").parentElement.hidden = examples === 1;
  $("rate").max = step.lrs.length - 1;
  $("rate").value = step.lrs.indexOf(step.lr);
}

function summary(number) {
  const examples = `${data.batch} example${data.batch === 1 ? "" : "s"}`;
  const after = step.losses[step.lrs.indexOf(step.lr)];
  const name = data.classes && step.target ? data.classes[step.target[example]] : null;
  const ofClass = name === null ? "" : ` Example ${example + 1} is of class ${name}.`;
  const change = `the loss goes from ${short(step.loss)} to ${short(after)}`;
  return `Training step ${number + 1} of ${data.steps.length}, ${examples}, η = ${short(step.lr)}: ${change}.${ofClass}`;
}

function whatIsCut() {
  if (!cut.length) return "";
  const part = (v) => `${v.symbol} (the first ${v.shown.join(" × ")} of ${v.rect.join(" × ")})`;
  const others = cut.length > 4 ? ` and ${cut.length - 4} others` : "";
  return ` Too large to be here whole: ${cut.slice(0, 4).map(part).join(", ")}${others}.`;
}

function listTensors() {
  $("tensor").replaceChildren();
  step.values.forEach((value, id) => {
    if (value.gradient) make("option", `${value.symbol} (${value.shape.join(", ")})`, $("tensor")).value = id;
  });
}

function listRemarks() {
  $("remarks").replaceChildren();
  $("remarks-section").hidden = step.remarks.length === 0;
  for (const remark of step.remarks) make("li", remark, $("remarks"));
}

// The largest gradient of the first parameter that has one.
function firstChoice() {
  const id = step.values.findIndex((value) => value.learned && value.gradient);
  if (id < 0) return null;
  const { numbers, shown } = step.values[id].gradient, place = largest(numbers);
  return { id, r: Math.floor(place / shown[1]), c: place % shown[1] };
}

function choose(id, r, c) {
  chosen = { id, r, c };
  showPath();
  showRate();
}

function go(to) {
  position = Math.max(0, Math.min(lastPosition(), to));
  show();
}

function show() {
  const phase = position < step.calls.length ? "forward" : position < lastPosition() ? "backward" : "update";
  $("position").max = lastPosition();
  $("position").value = position;
  $("position").setAttribute("aria-valuetext", phase);
  $("back").disabled = $("first").disabled = position === 0;
  $("next").disabled = position === lastPosition();
  showCaption();
  showTiles();
  drawEdges();
}

// A number from a field, within its bounds.
const bounded = (input, low, high) => Math.max(low, Math.min(high, Math.round(Number(input.value)) || low));

$("first").addEventListener("click", () => go(0));
$("back").addEventListener("click", () => go(position - 1));
$("next").addEventListener("click", () => go(position + 1));
$("position").addEventListener("input", () => go(Number($("position").value)));
$("rate").addEventListener("input", showRate);
$("example").addEventListener("change", () => {
  example = bounded($("example"), 1, Number($("example").max)) - 1;
  $("example").value = example + 1;
  load(data.steps.indexOf(step));
});
$("step").addEventListener("change", () => {
  $("step").value = bounded($("step"), 1, data.steps.length);
  load(Number($("step").value) - 1);
});
for (const id of ["tensor", "row", "column"])
  $(id).addEventListener("change", () => {
    const tensor = Number($("tensor").value), [rows, columns] = step.values[tensor].shown;
    choose(tensor, bounded($("row"), 0, rows - 1), bounded($("column"), 0, columns - 1));
  });
$("choose").addEventListener("submit", (event) => event.preventDefault());
document.addEventListener("keydown", (event) => {
  if (["INPUT", "SELECT"].includes(event.target.tagName) || event.ctrlKey || event.metaKey || event.altKey) return;
  const to = { ArrowRight: position + 1, ArrowLeft: position - 1, Home: 0, End: lastPosition() }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  go(to);
});
window.addEventListener("resize", showPath);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);

$("step").max = data.steps.length;
$("steps-label").hidden = data.steps.length === 1;
load(0);
