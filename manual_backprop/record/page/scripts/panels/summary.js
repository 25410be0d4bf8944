// What the step is of, in words, and what is to be looked at in it.
import { $, make } from "../dom.js";
import { isRecorded, laboratory, restore } from "../laboratory.js";
import { data, isCut, shown, watch } from "../step.js";
import { counted, short } from "../writing.js";

const UNTOUCHED = "Every number is as PyTorch computed it.";

function showSummary() {
  $("about").textContent = data.about;
  $("summary").textContent = summary() + whatIsCut();
  $("now").hidden = !laboratory();
  $("restore").disabled = isRecorded() && shown.lr === shown.step.lr;
  if (laboratory()) $("moved").textContent = isRecorded() ? UNTOUCHED : whatWasDone();
}

// Since the step was recorded.
function whatWasDone() {
  const { now, edits, losses } = laboratory().history, parts = [];
  const count = edits.slice(0, now + 1).flat().length;
  if (count) parts.push(`${counted(count, "change")} by hand`);
  if (now) parts.push(`${counted(now, "step")} of training`);
  return `Now, after ${parts.join(" and ") || "no step"}: L = ${short(losses[now])}.`;
}

function summary() {
  const { example, step } = shown, number = data.steps.indexOf(step) + 1;
  const examples = data.batch === 1 ? "one example" : `${data.batch} examples`;
  const loss = step.losses[0], after = step.losses[step.lrs.indexOf(step.lr)];
  const name = data.classes && step.target ? data.classes[targetOf(example)] : null;
  const ofClass = name === null ? "" : ` Example ${example + 1} (row ${example}) is of class ${name}.`;
  const moves = `the loss goes from ${short(loss)} to ${short(after)}`;
  const which = data.steps.length === 1 ? "A training step" : `Training step ${number} of ${data.steps.length}`;
  return `${which} on ${examples}, η = ${short(step.lr)}: ${moves}.${ofClass}`;
}

// Of a laboratory, the class that was chosen last.
function targetOf(example) {
  const { step } = shown;
  return laboratory() ? step.values[step.laboratory.loss.target].numbers[example] : step.target[example];
}

function whatIsCut() {
  const cut = shown.step.values.filter(isCut);
  if (!cut.length) return "";
  const part = (v) => `${v.symbol} (the first ${v.shown.join(" × ")} of ${v.rect.join(" × ")})`;
  const others = cut.length > 4 ? ` and ${cut.length - 4} others` : "";
  return ` Too large to be here whole: ${cut.slice(0, 4).map(part).join(", ")}${others}.`;
}

function listRemarks() {
  $("remarks-list").replaceChildren();
  $("remarks-list").parentElement.dataset.empty = shown.step.remarks.length === 0;
  for (const remark of shown.step.remarks) make("li", remark, $("remarks-list"));
}

$("restore").addEventListener("click", restore);
watch("step example numbers lr", showSummary);
watch("step", listRemarks);
