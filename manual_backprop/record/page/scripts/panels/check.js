// What the page computes, beside what PyTorch computed when the step was recorded.
import { $, fillTable } from "../dom.js";
import { laboratory } from "../laboratory.js";
import { shown } from "../step.js";
import { short } from "../writing.js";
import { panel } from "./tabs.js";

const ULP = 2 ** -23;  // of a float32 between 1 and 2
const TITLES = ["tensor", "shape", "largest difference", "in ulps of the largest number"];

function showDifferences() {
  const compared = pairs().map(({ mine, due, ...names }) => ({ ...names, ...differenceOf(mine, due) }));
  const rows = compared.map(({ symbol, shape, difference, ulps }) => (
    [symbol, `(${shape.join(", ")})`, short(difference), short(ulps)]
  ));
  fillTable($("check-table"), TITLES, rows).forEach((row, i) => { row.dataset.ulps = compared[i].ulps; });
  $("check-says").textContent = "This page computes in float32 by the step's own formulas. Here is everything it "
    + `computes for the recorded step, beside PyTorch's numbers: ${compared.every(({ ulps }) => Number.isFinite(ulps))
      ? "the differences are of rounding."
      : "what is NaN or infinite has no difference; the others are of rounding."} `
    + "An ulp is the distance from a float32 to the next one.";
}

// Every tensor that is computed, forward and then backward.
function pairs() {
  const { recorded } = laboratory(), computed = recorded.copy(), { plan } = recorded, { values } = shown.step;
  computed.compute();
  const made = [...plan.layers.map(({ output }) => output), plan.loss.output];
  const learned = plan.layers.flatMap(({ weight, bias }) => [weight, bias]).filter(Number.isInteger);
  const isKnown = (id) => values[id].gradient;
  const pair = (id, side, name) => ({
    symbol: side.symbol, shape: values[id].shape, mine: computed.tensors[id][name], due: recorded.tensors[id][name],
  });
  return [
    ...made.map((id) => pair(id, values[id], "numbers")),
    ...[...made.slice(0, -1), ...learned].reverse().filter(isKnown)
      .map((id) => pair(id, values[id].gradient, "gradient")),
  ];
}

function differenceOf(mine, due) {
  let difference = 0, largest = 0;
  mine.forEach((x, i) => {
    difference = Math.max(difference, Math.abs(x - due[i]));
    largest = Math.max(largest, Math.abs(due[i]));
  });
  return { difference, ulps: difference / (ULP * 2 ** Math.floor(Math.log2(largest || 1))) };
}

panel("check", "step", showDifferences);
