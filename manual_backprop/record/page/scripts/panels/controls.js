// Where one is: the training step, the position in it, the example.
import { $, bounded } from "../dom.js";
import { change, data, lastPosition, shown, watch } from "../step.js";

const go = (to) => change({ position: Math.max(0, Math.min(lastPosition(), to)) });

function limitControls() {
  const examples = Math.max(...shown.step.values.filter((v) => v.perExample).map((v) => v.shown[0]), 1);
  $("example").max = examples;
  $("example").parentElement.hidden = examples === 1;
  $("step").max = data.steps.length;
  $("step").parentElement.hidden = data.steps.length === 1;
}

function showPosition() {
  const { position } = shown, count = shown.step.calls.length, last = lastPosition();
  const at = (phase, number) => `${phase}, operation ${number} of ${count}`;
  const phase = position < count ? at("forward", position + 1) : at("backward", last - position);
  $("position").max = last;
  $("position").value = position;
  $("position").setAttribute("aria-valuetext", position === last ? "update" : phase);
  $("back").disabled = $("first").disabled = position === 0;
  $("next").disabled = position === last;
}

$("first").addEventListener("click", () => go(0));
$("back").addEventListener("click", () => go(shown.position - 1));
$("next").addEventListener("click", () => go(shown.position + 1));
$("position").addEventListener("input", () => go(Number($("position").value)));
$("example").addEventListener("change", () => {
  const number = bounded($("example"), 1, Number($("example").max));
  $("example").value = number;
  change({ example: number - 1 });
});
$("step").addEventListener("change", () => {
  const number = bounded($("step"), 1, data.steps.length);
  $("step").value = number;
  change({ step: data.steps[number - 1] });
});
document.addEventListener("keydown", (event) => {
  if (["INPUT", "SELECT"].includes(event.target.tagName) || event.ctrlKey || event.metaKey || event.altKey) return;
  const { position } = shown;
  const to = { ArrowRight: position + 1, ArrowLeft: position - 1, Home: 0, End: lastPosition() }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  go(to);
});
watch("step", limitControls);
watch("step position", showPosition);
