// The gradients of a network with a mistake beside the right ones: their lengths, the angle between them, and whether
// the slope of the loss, measured, tells the mistake.
import { $, fillTable } from "../dom.js";
import { lossesAlong } from "../network/sweep.js";
import { range, shown } from "../step.js";
import { indexed, short } from "../writing.js";

const H = 1e-3;  // of the measured slope
const FORGIVEN = 0.01;  // by a gradient check, as a share of the larger number
const TITLES = [
  "gradient", "‖right‖", "‖wrong‖", "wrong / right", "angle", "cosine", "differs most at", "right", "wrong", "measured",
  "a check objects",
];

const dot = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);
const norm = (a) => Math.sqrt(dot(a, a));
const cosine = (a, b) => Math.max(-1, Math.min(1, dot(a, b) / (norm(a) * norm(b))));
const degrees = (cos) => Math.round((Math.acos(cos) * 180) / Math.PI);
const isSame = (a, b) => a.every((x, i) => x === b[i]);
const far = (a, b) => Math.abs(a - b);

export function compareGradients(right, wrong) {
  const ids = range(right.tensors.length).filter((id) => right.tensors[id].learned && right.tensors[id].gradient);
  const gradients = ({ tensors }) => ids.map((id) => tensors[id].gradient);
  const all = (network) => gradients(network).flatMap((gradient) => [...gradient]);
  $("break-direction").textContent = direction(all(right), all(wrong));
  const [a, b] = [right, wrong].map(gradients), symbolOf = (id) => shown.step.values[id].gradient.symbol;
  const rows = ids.map((id, i) => [symbolOf(id), ...sizes(a[i], b[i]), ...check(right, id, a[i], b[i])]);
  fillTable($("break-gradients"), TITLES, rows);
}

// Where the wrong gradient points, and whether the loss falls against it.
function direction(right, wrong) {
  const cos = cosine(right, wrong), times = norm(wrong) / norm(right);
  if (isSame(right, wrong)) return "With these numbers the mistake makes no difference.";
  if (Number.isNaN(cos)) return "The two cannot be compared: one is zero or not finite.";
  const long = Math.abs(times - 1) < 0.005 ? "as long as" : `${short(times)} times as long as`;
  const same = cos > 1 - 1e-9 ? "in the same direction" : "in almost the same direction";
  const where = degrees(cos) === 0 ? same : `${degrees(cos)}° away from it`;
  const so = Math.abs(cos) < 0.01 ? "hardly changes the loss" : cos > 0 ? "still lowers the loss" : "raises the loss";
  return `All parameters together: the wrong gradient is ${long} the right one, ${where}. `
    + `A small enough step against it ${so}.`;
}

function sizes(right, wrong) {
  const cos = cosine(right, wrong), angle = Number.isNaN(cos) ? "–" : `${degrees(cos)}°`;
  return [short(norm(right)), short(norm(wrong)), short(norm(wrong) / norm(right)), angle, short(cos)];
}

// The number where the two differ most, and the slope of the loss along it.
function check(network, id, right, wrong) {
  if (isSame(right, wrong)) return ["nowhere", "–", "–", "–", "no: the same"];
  const { columns, numbers } = network.tensors[id], { symbol, shape } = shown.step.values[id];
  const place = right.reduce((top, x, i) => (far(x, wrong[i]) > far(right[top], wrong[top]) ? i : top), 0);
  const [r, c] = [Math.floor(place / columns), place % columns], w = numbers[place];
  const [before, after] = lossesAlong(network, { id, r, c }, [w - H, w + H]), slope = (after - before) / (2 * H);
  const [a, b] = [right[place], wrong[place]];
  return [indexed(symbol, shape, r, c), short(a), short(b), short(slope), whatIsTold(a, b, slope)];
}

function whatIsTold(right, wrong, slope) {
  const apart = far(wrong, slope);
  if (!Number.isFinite(apart)) return "no: not finite";
  if (apart <= FORGIVEN * Math.max(Math.abs(wrong), Math.abs(slope))) return "no: within 1 %";
  return far(right, slope) < apart / 10 ? "yes" : "no: measured too roughly";
}
