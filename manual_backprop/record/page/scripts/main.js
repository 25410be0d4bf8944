// What stands on the page, in the order in which it is drawn.
import "./laboratory.js";
import "./panels/controls.js";
import "./panels/summary.js";
import "./panels/tabs.js";
import "./panels/captions.js";
import "./graph/tiles.js";
import "./graph/edges.js";
import "./panels/path.js";
import "./panels/knob.js";
import "./panels/rate.js";
import "./panels/draw.js";
import "./panels/train.js";
import "./panels/break.js";
import "./panels/check.js";
import { change, data, lastPosition, placeOfLargest, shown } from "./step.js";

// The largest gradient of the first parameter that has one; of a layer's weights, among the units to which something
// comes back from the example that is shown.
function firstChoice(step) {
  const id = step.values.findIndex((value) => value.learned && value.gradient);
  if (id < 0) return null;
  const { gradient: { numbers, shown: [, columns] }, uses: [[number]] } = step.values[id], call = step.calls[number];
  const delta = call.products === "affine" ? step.values[call.outputs[0]].gradient : null;
  const isReached = (place) => !delta || delta.numbers[Math.floor(place / columns)] !== 0;
  const reached = numbers.map((x, i) => (isReached(i) ? x : 0));
  const place = Math.max(placeOfLargest(reached.some(Boolean) ? reached : numbers), 0);
  return { id, r: Math.floor(place / columns), c: place % columns };
}

const [step] = data.steps;
change({ step, chosen: firstChoice(step), position: step.laboratory ? lastPosition() : 0 });
globalThis.step = shown;  // for the console: everything that the page shows

// Another page that shows this one in a frame is told how high it is.
if (window.parent !== window)
  new ResizeObserver(() => {
    window.parent.postMessage({ height: document.body.offsetHeight }, "*");
  }).observe(document.body);
