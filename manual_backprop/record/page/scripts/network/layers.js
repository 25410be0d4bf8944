// The layers, forward and backward: each the last line of its derivation. Numbers are float32, an example a row.
import { product, transposed } from "./product.js";

// z = x Wᵀ + b, with x of shape (N, D), W of (M, D) and b of (M,)
export function linear({ x, W, b, z, N, D, M }) {
  product(x, W, N, M, D, z);
  if (b) for (let i = 0; i < z.length; i++) z[i] += b[i % M];
}

// ∂L/∂W = δᵀ x
export function weightGradient({ x, delta, N, D, M }, gradient) {
  product(transposed(delta, N, M), transposed(x, N, D), M, D, N, gradient);
}

// ∂L/∂b = Σₙ δ[n]
export function biasGradient({ delta, N, M }, gradient) {
  for (let k = 0; k < M; k++) {
    let sum = 0;
    for (let n = 0; n < N; n++) sum += delta[n * M + k];
    gradient[k] = sum;
  }
}

// ∂L/∂x = δ W
export function inputGradient({ delta, W, N, D, M }, gradient) {
  product(delta, transposed(W, M, D), N, D, M, gradient);
}

// a = f(z), and f′ by z and a
export const ACTIVATIONS = {
  relu: { f: (z) => (z > 0 || Number.isNaN(z) ? z : 0), slope: (z) => (z > 0 ? 1 : 0) },
  sigmoid: { f: (z) => 1 / (1 + Math.exp(-z)), slope: (z, a) => a * (1 - a) },
  tanh: { f: Math.tanh, slope: (z, a) => 1 - a * a },
};

// δ = ∂L/∂a ⊙ f′
export function activationGradient({ z, a, slope, upstream, kind }, gradient) {
  for (let i = 0; i < z.length; i++) {
    slope[i] = ACTIVATIONS[kind].slope(z[i], a[i]);
    gradient[i] = upstream[i] * slope[i];
  }
}

// The losses, of the examples that are `included`: the sum of ℓ[n], or their mean, and ∂L/∂ of the input.
export const LOSSES = {
  // ℓ[n] = log Σⱼ exp(z[n,j]) − z[n,y];  δ[n,j] = (p[n,j] − t[n,j]) / N, with p = softmax(z)
  cross_entropy: {
    each: ({ input: z, target, C }, n) => {
      const row = z.subarray(n * C, (n + 1) * C), top = highest(row);
      return top + Math.log(row.reduce((sum, x) => sum + Math.exp(x - top), 0)) - row[target[n]];
    },
    gradient: ({ input: z, target, C }, n, divisor, gradient) => {
      const p = softmax(z.subarray(n * C, (n + 1) * C));
      p.forEach((x, j) => { gradient[n * C + j] = (x - (j === target[n] ? 1 : 0)) / divisor; });
    },
    terms: () => 1,
    ofClasses: true,
  },
  // ℓ[n] = Σⱼ (a[n,j] − y[n,j])²;  ∂L/∂a[n,j] = 2 (a[n,j] − y[n,j]) / (N C)
  mse_loss: {
    each: ({ input: a, target, C }, n) => {
      let sum = 0;
      for (let i = n * C; i < (n + 1) * C; i++) sum += (a[i] - target[i]) ** 2;
      return sum;
    },
    gradient: ({ input: a, target, C }, n, divisor, gradient) => {
      for (let i = n * C; i < (n + 1) * C; i++) gradient[i] = (2 * (a[i] - target[i])) / divisor;
    },
    terms: ({ C }) => C,
    ofClasses: false,
  },
};

// p[j] = exp(z[j] − max z) / Σ exp(z − max z)
export function softmax(row) {
  const top = highest(row), powers = Float64Array.from(row, (x) => Math.exp(x - top));
  const total = powers.reduce((sum, x) => sum + x, 0);
  return powers.map((x) => x / total);
}

// Not `Math.max(...row)`, which has too many arguments where there are very many classes.
const highest = (row) => row.reduce((top, x) => Math.max(top, x), -Infinity);
