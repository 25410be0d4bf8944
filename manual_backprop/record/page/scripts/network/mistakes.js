// Known mistakes in the backward pass. Each has `rules` that take the place of the right ones in a network; `lines` are
// the right code and the wrong one; `noDifference` says why a network does not notice the mistake, or is null.
import { ACTIVATIONS, activationGradient, biasGradient, weightGradient } from "./layers.js";
import { product, transposed } from "./product.js";

// f′ in PyTorch, of the input of f.
const SLOPES = {
  relu: (at) => `(${at} > 0)`,
  sigmoid: (at) => `sigmoid(${at}) * (1 - sigmoid(${at}))`,
  tanh: (at) => `(1 - tanh(${at}) ** 2)`,
};
const LOSS_GRADIENTS = {
  cross_entropy: ["dz = (softmax(z) - one_hot(y)) / N", "dz = softmax(z) - one_hot(y)"],
  mse_loss: ["da = 2 * (a - y) / a.numel()", "da = 2 * (a - y)"],
};

const isLearned = ({ weight, bias }) => [weight, bias].some((tensor) => tensor && tensor.learned);

// The activations that a gradient passes on its way to a parameter.
function passed({ layers }) {
  const kinds = layers.slice(layers.findIndex(isLearned)).map(({ kind }) => kind);
  return kinds.filter((kind) => kind !== "linear");
}
const curved = (network) => passed(network).find((kind) => kind !== "relu");

// What an overwritten sum is left with.
function lastExample({ x, delta, included, D, M }) {
  const n = included.lastIndexOf(1), row = (numbers, columns) => numbers.subarray(n * columns, (n + 1) * columns);
  return { x: row(x, D), delta: row(delta, M), N: 1, D, M };
}

export const MISTAKES = [
  {
    name: "transpose",
    title: "the transpose left out of ∂L/∂W",
    lines: () => ["dW = dz.T @ x", "dW = (x.T @ dz).reshape(W.shape)"],
    about: "Where W is kept as (D, M), as in many books, the gradient is x.T @ dz; nn.Linear keeps (M, D), so the "
      + "shapes do not fit, and one reshapes until they do. The numbers are all there, in the wrong places: in a "
      + "square layer, where no error says so, each stands where its mirror image belongs.",
    // (D, M) as it lies in memory is read as (M, D).
    rules: {
      weightGradient: ({ x, delta, N, D, M }, gradient) => {
        product(transposed(x, N, D), transposed(delta, N, M), D, M, N, gradient);
      },
    },
    noDifference: ({ layers }) => {
      const weights = layers.map(({ weight }) => weight).filter((weight) => weight && weight.learned);
      return weights.every(({ rows, columns }) => rows === 1 || columns === 1)
        ? "Every weight matrix here has a single row or a single column, which lies in memory as its transpose does."
        : null;
    },
  },
  {
    name: "slope",
    title: "f′ at the activation a instead of at z",
    lines: (network) => ["z", "a"].map((at) => `dz = da * ${SLOPES[curved(network) || "relu"](at)}`),
    about: "The forward pass hands on a, and f′ is taken of what is at hand; but σ′(z) is a (1 − a), and tanh′(z) is "
      + "1 − a². Taken at a, f′ is positive still and seldom small, so the loss often falls, and nothing looks "
      + "broken.",
    // What stands for z is a, and what stands for a is f(a).
    rules: {
      activationGradient: (numbers, gradient) => {
        const { a, kind } = numbers;
        activationGradient({ ...numbers, z: a, a: a.map(ACTIVATIONS[kind].f) }, gradient);
      },
    },
    noDifference: (network) => {
      if (curved(network)) return null;
      return passed(network).length
        ? "Here f is relu: a > 0 exactly where z > 0, so f′ is the same at both."
        : "No gradient passes an activation function here.";
    },
  },
  {
    name: "mask",
    title: "f′ forgotten: for relu the mask, for sigmoid and tanh the slope",
    lines: (network) => [`dz = da * ${SLOPES[passed(network)[0] || "relu"]("z")}`, "dz = da"],
    about: "da and dz have the same shape, so nothing complains when f′ is left out. The gradient then comes through "
      + "as if f were the identity: through relu units that are off, and undiminished through saturated ones.",
    rules: {
      activationGradient: ({ slope, upstream }, gradient) => {
        slope.fill(1);
        gradient.set(upstream);
      },
    },
    noDifference: (network) => (passed(network).length ? null : "No gradient passes an activation function here."),
  },
  {
    name: "mean",
    title: "1/N left out of the loss's gradient",
    lines: ({ loss }) => LOSS_GRADIENTS[loss.kind],
    about: "The gradient is derived for one example and summed over all, while the loss is their mean (for squared "
      + "error, the mean of all numbers). The direction is right and the length is N times what it should be, as if η "
      + "were N times as large: it may even look like an improvement, until the batch grows.",
    rules: { divisor: () => 1 },
    noDifference: (network) => {
      if (!network.loss.mean) return "The loss is a sum here: nothing is divided by N.";
      return network.divisor() === 1 ? "The mean is of a single number here: 1/N is 1." : null;
    },
  },
  {
    name: "overwrite",
    title: "= for += in the sum over the examples",
    lines: () => ["+=", "="].map((sign) => (
      `for n in range(N):\n    dW ${sign} dz[n].outer(x[n])\n    db ${sign} dz[n]`
    )),
    about: "What is used by every example collects a gradient from every example; with = each overwrites the one "
      + "before, and only the last counts. The shapes fit and the loss of that example falls.",
    rules: {
      weightGradient: (sizes, gradient) => weightGradient(lastExample(sizes), gradient),
      biasGradient: (sizes, gradient) => biasGradient(lastExample(sizes), gradient),
    },
    noDifference: (network) => (
      network.examples().length > 1 ? null : "The loss is of a single example here: nothing is overwritten."
    ),
  },
];
