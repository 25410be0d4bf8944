// What happens at this position: the formula, and the formula with numbers in it.
import { $, make } from "../dom.js";
import { isRecorded, laboratory } from "../laboratory.js";
import { lossesByRate } from "../network/sweep.js";
import { lastPosition, normOf, shown, watch } from "../step.js";
import { short } from "../writing.js";

function showCaption() {
  const { position, step } = shown, count = shown.step.calls.length, box = $("say");
  box.replaceChildren();
  if (position === lastPosition()) showUpdate(box);
  else if (position < count) showForward(box, position);
  else showBackward(box, lastPosition() - 1 - position);
}

function title(direction, number) {
  const call = shown.step.calls[number], place = call.place ? ` (${call.place})` : "";
  return `${direction}, operation ${number + 1} of ${shown.step.calls.length}: ${call.operation}${place}`;
}

function showForward(box, number) {
  const call = shown.step.calls[number];
  make("p", title("Forward", number), box);
  make("p", call.formula, box, "formula");
  showCode(box, call.code);
  showNumbers(box, call.numbers);
}

function showBackward(box, number) {
  make("p", title("Backward", number), box);
  for (const back of shown.step.calls[number].backward) {
    const { gradient } = shown.step.values[back.input];
    const autograd = back.ulps === null ? "PyTorch's own backward" : `${short(back.ulps)} ulp from autograd's`;
    make("p", back.formula, box, "formula");
    showCode(box, back.code);
    showNumbers(box, back.numbers);
    const norm = isRecorded() ? `${short(back.norm)}; ${autograd}` : short(normOf(gradient));
    make("p", `‖${gradient ? gradient.symbol : ""}‖ is ${norm}`, box, "beside");
  }
}

function showUpdate(box) {
  const { isRunning, lr, step } = shown, then = isRunning ? "" : `, then ${short(lossAfter(lr))}`;
  make("p", "Update", box);
  make("p", "w ← w − η ∂L/∂w, for every parameter", box, "formula");
  make("p", `L: ${short(step.loss)}${then} with η = ${short(lr)}`, box, "beside");
}

function lossAfter(lr) {
  const { losses, lrs } = shown.step, isKnown = isRecorded() && lrs.includes(lr);
  return isKnown ? losses[lrs.indexOf(lr)] : lossesByRate(laboratory().network, [lr])[0];
}

// The same as code, with what each line makes.
function showCode(box, lines) {
  for (const { text, made } of lines) make("span", made, make("p", `${text} `, box, "code"), "beside");
}

// The numbers of the example, worked out when the page was written; of a large batch, those of the first ones.
function showNumbers(box, { ofEach, lines }) {
  if (!isRecorded()) return;
  for (const line of lines[Math.min(shown.example, lines.length - 1)]) make("p", line, box, "numbers");
  if (ofEach && shown.example >= lines.length)
    make("p", `Worked out for example ${lines.length}, the last one that is.`, box, "beside");
}

watch("step position example numbers lr isRunning", showCaption);
