// What the page computes, beside what PyTorch computed when the step was recorded.
import { $, make } from "../dom.js";
import { laboratory } from "../laboratory.js";
import { shown } from "../step.js";
import { short } from "../writing.js";
import { panel } from "./tabs.js";

const ULP = 2 ** -23;  // of a float32 between 1 and 2

function showDifferences() {
  const { recorded } = laboratory(), computed = recorded.copy(), table = $("check-table");
  computed.compute();
  table.replaceChildren();
  const titles = ["tensor", "shape", "largest difference", "in ulps of the largest number"];
  const head = make("tr", "", make("thead", "", table)), body = make("tbody", "", table);
  for (const title of titles) make("th", title, head);
  const add = (side, shape, mine, due) => {
    const row = make("tr", "", body), { difference, ulps } = differenceOf(mine, due);
    const cells = [side.symbol, `(${shape.join(", ")})`, short(difference), short(ulps)];
    cells.forEach((cell, i) => { make("td", cell, row).dataset.title = titles[i]; });
    row.dataset.ulps = ulps;
  };
  const { plan } = recorded, made = [...plan.layers.map(({ output }) => output), plan.loss.output];
  const learned = plan.layers.flatMap(({ weight, bias }) => [weight, bias]).filter((id) => Number.isInteger(id));
  for (const id of made)
    add(shown.step.values[id], shown.step.values[id].shape, computed.tensors[id].numbers, recorded.tensors[id].numbers);
  for (const id of [...made.slice(0, -1), ...learned].reverse()) {
    const { gradient, shape } = shown.step.values[id];
    if (gradient) add(gradient, shape, computed.tensors[id].gradient, recorded.tensors[id].gradient);
  }
  const isFinite = [...body.rows].every((row) => Number.isFinite(Number(row.dataset.ulps)));
  $("check-says").textContent = "This page computes in float32 by the step's own formulas. Here is everything it computes "
    + `for the recorded step, beside PyTorch's numbers: ${isFinite
      ? "the differences are of rounding."
      : "what is NaN or infinite has no difference; the others are of rounding."}`;
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
