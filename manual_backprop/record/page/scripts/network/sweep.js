// The loss as a function of one number alone, everything else as it is.

// L with the number [r, c] of the tensor `id` equal to each of `points`. Only what depends on the number is computed
// anew: one column of z for a weight or a bias, one row of it for a pixel, and the layers behind. In float64, so that
// the difference of two losses that lie close together has digits left.
export function lossesAlong(network, { id, r, c }, points) {
  const trial = network.trial(), tensor = trial.tensors[id];
  const number = trial.layers.findIndex(({ input, weight, bias }) => [input, weight, bias].includes(tensor));
  const { input: x, weight: W, bias, output: z } = trial.layers[number], before = z.numbers.slice();
  const now = tensor.numbers[r * tensor.columns + c];
  return points.map((point) => {
    const moved = point - now;
    if (tensor === x)
      for (let k = 0; k < z.columns; k++) set(z, before, r, k, moved * W.numbers[k * W.columns + c]);
    else
      for (let n = 0; n < z.rows; n++)
        set(z, before, n, tensor === bias ? c : r, moved * (tensor === bias ? 1 : x.numbers[n * x.columns + c]));
    return trial.forward(number + 1);
  });
}

function set(z, before, n, k, added) {
  z.numbers[n * z.columns + k] = before[n * z.columns + k] + added;
}

// L after a step with each learning rate.
export function lossesByRate(network, rates) {
  return rates.map((lr) => {
    const trial = network.copy();
    trial.update(lr);
    return trial.forward();
  });
}
