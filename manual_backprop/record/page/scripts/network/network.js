// The network of a step: its layers in order, forward, backward and the update.
import {
  ACTIVATIONS, LOSSES, activationGradient, biasGradient, inputGradient, linear, weightGradient,
} from "./layers.js";

const RIGHT = { weightGradient, biasGradient, activationGradient, divisor: (divisor) => divisor };

export class Network {
  // `tensors` are those of the step, each with `numbers`, `rows`, `columns`, and `gradient` and `slope` where it has
  // them; `plan` says by their indices which of them a layer joins. `included` are 1 for the examples in the loss.
  constructor(plan, tensors, included, rules = {}) {
    Object.assign(this, { plan, tensors, included, rules: { ...RIGHT, ...rules } });
    this.layers = plan.layers.map((layer) => this.bound(layer));
    const { kind, input, target, mean } = plan.loss, output = tensors[plan.loss.output];
    this.loss = { kind, mean, input: tensors[input], target: tensors[target], output, C: tensors[input].columns };
  }

  // A layer with its tensors in the place of their indices.
  bound({ kind, ...ids }) {
    const parts = Object.entries(ids).map(([name, id]) => [name, id === null ? null : this.tensors[id]]);
    return { kind, ...Object.fromEntries(parts) };
  }

  // The same numbers in memory of their own, with these rules for the backward pass.
  copy(rules = {}) {
    const own = (numbers) => numbers && numbers.slice();
    const tensors = this.tensors.map((tensor) => ({
      ...tensor, numbers: own(tensor.numbers), gradient: own(tensor.gradient), slope: own(tensor.slope),
    }));
    return new Network(this.plan, tensors, this.included.slice(), rules);
  }

  // For forward passes: what they compute has memory of its own, in float64; the rest is this network's.
  trial() {
    const computed = new Set([...this.layers, this.loss].map(({ output }) => output));
    const tensors = this.tensors.map((tensor) => (
      computed.has(tensor) ? { ...tensor, numbers: Float64Array.from(tensor.numbers) } : tensor
    ));
    return new Network(this.plan, tensors, this.included);
  }

  // The numbers of another network of the same plan.
  takeFrom(other) {
    this.included.set(other.included);
    this.tensors.forEach((tensor, i) => {
      for (const name of ["numbers", "gradient", "slope"]) if (tensor[name]) tensor[name].set(other.tensors[i][name]);
    });
  }

  forward(from = 0) {
    for (const layer of this.layers.slice(from)) {
      const { numbers: z } = layer.input, { numbers: a } = layer.output;
      if (layer.kind === "linear") linear(this.sizes(layer));
      else for (let i = 0, { f } = ACTIVATIONS[layer.kind]; i < z.length; i++) a[i] = f(z[i]);
    }
    const loss = this.lossOfExamples();
    this.loss.output.numbers[0] = loss;
    return loss;
  }

  // L, as the last forward pass computed it.
  currentLoss() {
    return this.loss.output.numbers[0];
  }

  // Those in the loss.
  examples() {
    return [...this.included.keys()].filter((n) => this.included[n]);
  }

  lossOfExamples() {
    const { each } = LOSSES[this.loss.kind], numbers = this.lossNumbers();
    return this.examples().reduce((total, n) => total + each(numbers, n), 0) / this.divisor();
  }

  // What the loss divides the sum by.
  divisor() {
    return this.loss.mean ? this.examples().length * LOSSES[this.loss.kind].terms(this.loss) : 1;
  }

  lossNumbers() {
    return { input: this.loss.input.numbers, target: this.loss.target.numbers, C: this.loss.C };
  }

  // From the loss to the first layer. ∂L/∂x is left to `gradientOfInput`: training does not need it.
  backward() {
    const { input, kind } = this.loss, divisor = this.rules.divisor(this.divisor()), numbers = this.lossNumbers();
    input.gradient.fill(0);
    this.loss.output.gradient[0] = 1;
    for (const n of this.examples()) LOSSES[kind].gradient(numbers, n, divisor, input.gradient);
    for (const layer of this.layers.slice().reverse()) {
      if (layer.kind === "linear") this.backwardOfLinear(layer);
      else this.backwardOfActivation(layer);
    }
  }

  // A parameter that is frozen has no gradient.
  backwardOfLinear(layer) {
    const sizes = this.sizes(layer);
    if (layer.weight.gradient) this.rules.weightGradient(sizes, layer.weight.gradient);
    if (layer.bias && layer.bias.gradient) this.rules.biasGradient(sizes, layer.bias.gradient);
    if (layer !== this.layers[0]) inputGradient(sizes, layer.input.gradient);
  }

  backwardOfActivation({ kind, input, output }) {
    const numbers = { z: input.numbers, a: output.numbers, slope: output.slope, upstream: output.gradient, kind };
    this.rules.activationGradient(numbers, input.gradient);
  }

  // ∂L/∂x
  gradientOfInput() {
    inputGradient(this.sizes(this.layers[0]), this.layers[0].input.gradient);
  }

  // ∂L/∂x of the example n
  gradientOfExample(n) {
    const sizes = this.sizes(this.layers[0]), { gradient } = this.layers[0].input;
    const row = (numbers, columns) => numbers.subarray(n * columns, (n + 1) * columns);
    inputGradient({ ...sizes, delta: row(sizes.delta, sizes.M), N: 1 }, row(gradient, sizes.D));
  }

  sizes({ input, weight, bias, output }) {
    return {
      x: input.numbers, W: weight.numbers, b: bias && bias.numbers, z: output.numbers, delta: output.gradient,
      N: input.rows, D: input.columns, M: output.columns, included: this.included,
    };
  }

  // w ← w − η ∂L/∂w
  update(lr) {
    for (const { numbers, gradient, learned } of this.tensors)
      if (learned) for (let i = 0; i < numbers.length; i++) numbers[i] -= lr * gradient[i];
  }

  // A step of gradient descent; then everything is computed for the new weights.
  step(lr) {
    this.update(lr);
    this.compute();
  }

  compute() {
    this.forward();
    this.backward();
  }
}
