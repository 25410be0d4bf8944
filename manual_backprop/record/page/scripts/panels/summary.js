// What the step is of, in words, and what is to be looked at in it.
import { $, make } from "../dom.js";
import { data, isCut, shown, watch } from "../step.js";
import { short } from "../writing.js";

function showSummary() {
  $("about").textContent = data.about;
  $("summary").textContent = summary() + whatIsCut();
}

function summary() {
  const { example, step } = shown, number = data.steps.indexOf(step) + 1;
  const examples = `${data.batch} example${data.batch === 1 ? "" : "s"}`;
  const after = step.losses[step.lrs.indexOf(step.lr)];
  const name = data.classes && step.target ? data.classes[step.target[example]] : null;
  const ofClass = name === null ? "" : ` Example ${example + 1} is of class ${name}.`;
  const moves = `the loss goes from ${short(step.loss)} to ${short(after)}`;
  return `Training step ${number} of ${data.steps.length}, ${examples}, η = ${short(step.lr)}: ${moves}.${ofClass}`;
}

function whatIsCut() {
  const cut = shown.step.values.filter(isCut);
  if (!cut.length) return "";
  const part = (v) => `${v.symbol} (the first ${v.shown.join(" × ")} of ${v.rect.join(" × ")})`;
  const others = cut.length > 4 ? ` and ${cut.length - 4} others` : "";
  return ` Too large to be here whole: ${cut.slice(0, 4).map(part).join(", ")}${others}.`;
}

function listRemarks() {
  $("remarks").replaceChildren();
  $("remarks-section").hidden = shown.step.remarks.length === 0;
  for (const remark of shown.step.remarks) make("li", remark, $("remarks"));
}

watch("step example", showSummary);
watch("step", listRemarks);
