// The operations of a laboratory, forward and backward, at one place [r, c] of what they make: the formula with the
// numbers of the page put in. Each is given its tensors, and the examples that the loss is of.
import { ACTIVATIONS, LOSSES, softmax } from "../../network/layers.js";
import { at, range, rowAt } from "../../step.js";
import { indexed, short } from "../../writing.js";
import { inside, summed, sumOfProducts, written } from "./sums.js";

const ROW = 12;  // numbers of a row that are all written out

const linear = {
  // z[n,m] = Σₖ x[n,k] W[m,k] + b[m]
  forward: ({ input: x, weight: W, bias }, [n, m]) => {
    const pairs = range(x.rect[1]).map((k) => [at(x, n, k), at(W, m, k)]);
    return [sumOfProducts(bias ? [...pairs, [at(bias, 0, m), 1]] : pairs)];
  },
  backward: {
    input: ({ weight: W, output: { gradient: delta } }, [n, k]) => (
      [sumOfProducts(range(W.rect[0]).map((m) => [at(delta, n, m), at(W, m, k)]))]
    ),
    weight: ({ input: x, output: { gradient: delta } }, [m, k]) => (
      [sumOfProducts(range(x.rect[0]).map((n) => [at(delta, n, m), at(x, n, k)]))]
    ),
    bias: ({ output: { gradient: delta } }, [, m]) => (
      [sumOfProducts(range(delta.rect[0]).map((n) => [at(delta, n, m), 1]))]
    ),
  },
};

// a = f(z) and δ = ∂L/∂a · f′, as text of z, and of the upstream gradient g and a.
const activation = ({ f, slope }, forward, backward) => ({
  forward: ({ input }, [n, c]) => {
    const z = at(input, n, c);
    return [written(forward(z), f(z))];
  },
  backward: {
    input: ({ input, output }, [n, c]) => {
      const z = at(input, n, c), g = at(output.gradient, n, c);
      return [written(backward(g, f(z)), g * slope(z, f(z)))];
    },
  },
});

const relu = activation(ACTIVATIONS.relu, (z) => `max(0, ${inside(z)})`, (g, a) => `${short(g)} · ${a > 0 ? 1 : 0}`);
const sigmoid = activation(
  ACTIVATIONS.sigmoid,
  (z) => `1 / (1 + exp(−${inside(z)}))`,
  (g, a) => `${inside(g)} · ${inside(a)} · (1 − ${inside(a)})`,
);
const tanh = activation(
  ACTIVATIONS.tanh,
  (z) => `tanh(${short(z)})`,
  (g, a) => `${inside(g)} · (1 − ${inside(a)}²)`,
);

const zero = () => [written("0", 0)];  // of an example that the loss is not of

const cross_entropy = {
  // ℓ[n] of the example that is shown, and the mean or the sum over the examples
  forward: ({ input: z, target, mean }, _, examples, n) => {
    const numbers = { input: z.numbers, target: target.numbers, C: z.rect[1] };
    const losses = range(z.rect[0]).map((i) => LOSSES.cross_entropy.each(numbers, i));
    const ofRow = `−${inside(at(z, n, target.numbers[n]))} + log(${exponentials(rowAt(z, n)).text})`;
    if (losses.length === 1) return [written(ofRow, losses[0])];
    const all = summed(examples.map((i) => losses[i]), (i) => short(losses[examples[i]]));
    return [written(ofRow, losses[n], `ℓ[${n}]`), mean && examples.length > 1 ? divided(all, examples.length) : all];
  },
  backward: {
    input: ({ input: z, target, mean }, [n, c], examples) => {
      if (!examples.includes(n)) return zero();
      const count = mean ? examples.length : 1, p = softmax(rowAt(z, n))[c], t = c === target.numbers[n] ? 1 : 0;
      const name = `softmax(${z.symbol})`, text = `(${short(p)} − ${t}) · 1`;
      return [
        written(`exp(${short(at(z, n, c))}) / (${exponentials(rowAt(z, n)).text})`, p, indexed(name, z.shape, n, c)),
        written(count > 1 ? `${text} / ${count}` : text, (p - t) / count),
      ];
    },
  },
};

// Σ exp z; a number of −∞ adds nothing.
function exponentials(row) {
  const powers = [...row].filter((z) => z !== -Infinity);
  return summed(powers.map(Math.exp), (i) => `exp(${short(powers[i])})`, ROW);
}

const mse_loss = {
  forward: ({ input: a, target: y, mean }, _, examples) => {
    const places = examples.flatMap((n) => range(a.rect[1]).map((c) => [n, c]));
    const write = (i) => `(${inside(at(a, ...places[i]))} − ${inside(at(y, ...places[i]))})²`;
    const all = summed(places.map((place) => (at(a, ...place) - at(y, ...place)) ** 2), write);
    return [mean ? divided(all, places.length) : all];
  },
  backward: {
    input: ({ input: a, target: y, mean }, [n, c], examples) => {
      if (!examples.includes(n)) return zero();
      const count = mean ? examples.length * a.rect[1] : 1, [out, due] = [at(a, n, c), at(y, n, c)];
      const text = `2 · 1 · (${inside(out)} − ${inside(due)})`;
      return [written(mean ? `${text}/${count}` : text, (2 * (out - due)) / count)];
    },
  },
};

const divided = ({ text, value }, count) => written(`(${text}) / ${count}`, value / count);

export const OPERATIONS = { linear, relu, sigmoid, tanh, cross_entropy, mse_loss };
