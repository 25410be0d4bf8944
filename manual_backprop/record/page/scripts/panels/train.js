// Training in the page: a step, many of them, and back to any.
import { chart } from "../chart.js";
import { $ } from "../dom.js";
import { drawImages } from "../graph/images.js";
import { goTo, isTrainedOnly, laboratory, train } from "../laboratory.js";
import { change, shown, watch } from "../step.js";
import { counted, short } from "../writing.js";
import { panel } from "./tabs.js";

let frame = 0;  // of a run that goes on

// A run goes on while its panel is open, where it can be paused.
function run() {
  if ($("panel-train").hidden) {
    pause();
    return;
  }
  frame = requestAnimationFrame(run);
  train();
}

function pause() {
  cancelAnimationFrame(frame);
  if (shown.isRunning) change({ isRunning: false });
}

// While it runs, nothing is read out: what changes at every frame would drown everything else.
function showRun() {
  $("train-run").textContent = shown.isRunning ? "pause" : "run";
  const live = shown.isRunning ? "off" : "polite";
  for (const each of document.querySelectorAll("[aria-live]")) each.setAttribute("aria-live", live);
}

function sayStep() {
  const { losses, now } = laboratory().history;
  const after = now === 0 ? "Before the first step" : `After ${counted(now, "step")} of ${losses.length - 1}`;
  const tooLarge = Number.isFinite(losses[now]) ? "" : " The numbers are too large for float32: go back and try a smaller η.";
  $("train-says").textContent = `${after}: L = ${short(losses[now])}.${tooLarge}`;
}

function showTraining() {
  const { history } = laboratory(), { losses, now } = history, last = losses.length - 1;
  $("train-at").max = last;
  $("train-at").value = now;
  $("train-at").disabled = last === 0;
  $("train-at").setAttribute("aria-valuetext", `step ${now} of ${last}`);
  $("train-start").disabled = $("train-back").disabled = now === 0;
  if (document.activeElement !== $("train-rate")) $("train-rate").value = shown.lr;
  sayStep();
  chart($("train-curve"), {
    lines: [{ points: losses.map((loss, step) => [step, loss]) }], spots: [{ at: [now, losses[now]] }],
    x: [0, Math.max(last, 10)], xTitle: "step", yTitle: "loss",
  });
  showDifference(losses, now);
  showWeights();
}

// PyTorch made the same steps when the page was written, with the recorded learning rate.
function showDifference(losses, now) {
  const due = laboratory().losses, compared = Math.min(losses.length, due.length);
  const isSame = isTrainedOnly() && laboratory().history.rates.every((lr) => lr === shown.step.lr);
  const largest = Math.max(...losses.slice(0, compared).map((loss, i) => Math.abs(loss - due[i])));
  const rate = `η = ${short(shown.step.lr)}`, same = `the same ${losses.length > due.length ? "first " : ""}`;
  const said = compared === 1
    ? `When the page was written, PyTorch made ${due.length - 1} steps with ${rate}: steps made here are compared with them.`
    : `PyTorch, with ${same}${counted(compared - 1, "step")}: L = ${short(due[compared - 1])}; `
      + (largest === 0 ? "no loss on the way differs." : `the largest difference on the way is ${short(largest)}, from rounding.`);
  $("train-pytorch").textContent = isSame ? said
    : `PyTorch made ${due.length - 1} steps with ${rate} from the recorded numbers; these here are different ones.`;
}

function showWeights() {
  const { layers } = laboratory().network.plan, W = shown.step.values[layers[0].weight];
  const x = shown.step.values[layers[0].input], [units, inputs] = W.rect;
  $("train-weights-title").textContent = x.image
    ? `${W.symbol}: what each of the ${units} units looks for`
    : `${W.symbol}: (${units}, ${inputs})`;
  drawImages($("train-weights"), W, x.image);
}

$("train-run").addEventListener("click", () => {
  if (shown.isRunning) pause();
  else {
    change({ isRunning: true });
    run();
  }
});
$("train-step").addEventListener("click", () => { pause(); train(); });
$("train-back").addEventListener("click", () => { pause(); goTo(laboratory().history.now - 1); });
$("train-start").addEventListener("click", () => { pause(); goTo(0); });
$("train-at").addEventListener("input", () => { pause(); goTo(Number($("train-at").value)); });
$("train-rate").addEventListener("change", () => {
  const lr = Number($("train-rate").value);
  if (lr > 0 && Number.isFinite(lr)) change({ lr });
  else $("train-rate").value = shown.lr;
});
watch("step", pause);
watch("isRunning", showRun);
panel("train", "step numbers lr isRunning isDark", showTraining);
