// What happens at this position: the formula, and the formula with numbers in it.
import { $, make } from "../dom.js";
import { isRecorded, laboratory, lossesAfter } from "../laboratory.js";
import { lastPosition, normOf, shown, watch } from "../step.js";
import { short } from "../writing.js";
import { backwardLines, forwardLines } from "./worked/lines.js";

function showCaption() {
  const { position, step } = shown, count = step.calls.length, box = $("say");
  box.replaceChildren();
  if (position === lastPosition()) showUpdate(box);
  else if (position < count) showForward(box, position);
  else showBackward(box, lastPosition() - 1 - position);
}

function title(direction, number) {
  const call = shown.step.calls[number], place = call.place ? ` (module ${call.place})` : "";
  return `${direction}, operation ${number + 1} of ${shown.step.calls.length}: ${call.operation}${place}`;
}

function showForward(box, number) {
  const call = shown.step.calls[number];
  make("p", title("Forward", number), box);
  make("p", call.formula, box, "formula");
  showCode(box, call.code);
  showNumbers(box, call.numbers, () => forwardLines(number));
  showWhetherIncluded(box, number);
}

function showBackward(box, number) {
  make("p", title("Backward", number), box);
  showWhetherIncluded(box, number);
  for (const back of shown.step.calls[number].backward) {
    const { gradient } = shown.step.values[back.input];
    const autograd = back.ulps === null ? "PyTorch's own backward" : `${short(back.ulps)} ulp from autograd's`;
    make("p", back.formula, box, "formula");
    showCode(box, back.code);
    showNumbers(box, back.numbers, () => backwardLines(number, back.input));
    const norm = isRecorded() ? `${short(back.norm)}; ${autograd}` : short(normOf(gradient));
    make("p", `‖${gradient ? gradient.symbol : ""}‖ is ${norm}`, box, "beside");
  }
}

function showUpdate(box) {
  const { isRunning, lr, step } = shown, then = isRunning ? "" : `, then ${short(lossesAfter([lr])[0])}`;
  make("p", "Update", box);
  make("p", "w ← w − η ∂L/∂w, for every parameter", box, "formula");
  make("p", `L: ${short(step.loss)}${then} with η = ${short(lr)}`, box, "beside");
}

// The same as code, with what each line makes.
function showCode(box, lines) {
  for (const { text, made } of lines) make("span", made, make("p", `${text} `, box, "code"), "beside");
}

// The formula with the numbers of the example. In a laboratory they are worked out here; else they were when the page
// was written, of a large batch those of the first examples.
function showNumbers(box, recorded, work) {
  const { example } = shown, ofExamples = recorded ? recorded.lines : [work()], count = ofExamples.length;
  if (!count) return;  // an empty batch
  for (const line of ofExamples[Math.min(example, count - 1)]) make("p", line, box, "numbers");
  if (recorded && recorded.ofEach && example >= count)
    make("p", `Worked out for example ${count}, the last one that is.`, box, "beside");
}

function showWhetherIncluded(box, number) {
  const isLoss = number === shown.step.calls.length - 1;
  if (isLoss && laboratory() && !laboratory().network.included[shown.example])
    make("p", "The loss is not of this example.", box, "beside");
}

watch("step position example numbers lr isRunning", showCaption);
