// The network of the step that is shown, where it is one that the page can compute: its tensors are the arrays that
// the rest of the page shows, so that what is changed here is seen everywhere.
import { History } from "./network/history.js";
import { Network } from "./network/network.js";
import { lossesByRate } from "./network/sweep.js";
import { change, shown, watch } from "./step.js";

const laboratories = new Map();  // by step

// The network and its history; null for a step that can be looked at only.
export const laboratory = () => laboratories.get(shown.step) || null;

// Whether every number is still the one that PyTorch computed.
export const isRecorded = () => !laboratory() || laboratory().history.isAtStart();

function setUp() {
  const { step } = shown;
  if (step.laboratory && !laboratories.has(step)) laboratories.set(step, newLaboratory(step));
}

function newLaboratory(step) {
  const { layers, loss } = step.laboratory, x = step.values[layers[0].input];
  if (!x.gradient)  // PyTorch has not recorded it: it is no parameter's
    x.gradient = { ...x, symbol: `∂L/∂${x.symbol}`, numbers: new Float32Array(x.numbers.length) };
  const tensors = step.values.map(({ numbers, gradient, rect: [rows, columns], learned }) => (
    { numbers, gradient: gradient && gradient.numbers, rows, columns, learned }
  ));
  for (const call of step.calls) if (call.slope) tensors[call.outputs[0]].slope = call.slope.numbers;
  const network = new Network({ layers, loss }, tensors, new Float32Array(x.rect[0]).fill(1));
  network.gradientOfInput();
  const losses = step.laboratory.losses.map(Number);  // PyTorch's
  return { network, recorded: network.copy(), history: new History(network), losses };
}

// Whether nothing but steps of training was made since.
export const isTrainedOnly = () => laboratory().history.edits.every((edits) => edits.length === 0);

// Put numbers into a tensor, from a place on; `tensor` is an index of the step's values.
export const edit = (tensor, place, numbers) => act(({ history, network }) => {
  history.edit(network.tensors[tensor].numbers, place, Float32Array.from(numbers));
});

// Let the loss be of these examples only.
export const include = (examples) => act(({ history, network: { included } }) => {
  history.edit(included, 0, included.map((_, n) => (examples.includes(n) ? 1 : 0)));
});

// L after a step with each learning rate: as it was recorded, where it was; else computed here.
export function lossesAfter(rates) {
  const { losses, lrs } = shown.step, places = rates.map((rate) => lrs.indexOf(rate));
  if (isRecorded() && !places.includes(-1)) return places.map((place) => losses[place]);
  return lossesByRate(laboratory().network, rates);
}

// A step of gradient descent with the learning rate that is chosen.
export const train = () => act(({ history }) => history.step(shown.lr));

export const goTo = (step) => act(({ history }) => history.goTo(step));

// Everything as it was recorded.
export function restore() {
  change({ lr: shown.step.lr });
  act((laboratory) => {
    const { network, recorded } = laboratory;
    network.takeFrom(recorded);
    laboratory.history = new History(network);
  });
}

// Do something to the laboratory, and show what has become of its numbers.
function act(what) {
  what(laboratory());
  findInputGradient();
  shown.step.loss = laboratory().network.currentLoss();
  change({ numbers: shown.numbers + 1 });
}

// While training runs, ∂L/∂x is computed for the example that is shown only.
function findInputGradient() {
  if (!laboratory()) return;
  const { network } = laboratory();
  if (shown.isRunning) network.gradientOfExample(shown.example);
  else network.gradientOfInput();
}

watch("step", setUp);
watch("isRunning", findInputGradient);
