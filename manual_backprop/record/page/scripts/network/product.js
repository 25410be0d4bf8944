// The one product that a layer needs, forward and backward; what differs is what stands transposed in it.

// out[i,j] = Σₖ a[i,k] b[j,k], which is a bᵀ, for a of shape (I, K) and b of shape (J, K). Four rows of b at a time, so
// that a number of a is read once for four products. The sums are float64, as JavaScript's numbers are, and rounded
// to float32 once.
export function product(a, b, I, J, K, out) {
  for (let i = 0; i < I; i++)
    for (let j = 0; j < J; j += 4) {
      const row = i * K, [b0, b1, b2, b3] = [j, j + 1, j + 2, j + 3].map((each) => Math.min(each, J - 1) * K);
      let sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
      for (let k = 0; k < K; k++) {
        const x = a[row + k];
        sum0 += x * b[b0 + k];
        sum1 += x * b[b1 + k];
        sum2 += x * b[b2 + k];
        sum3 += x * b[b3 + k];
      }
      const sums = [sum0, sum1, sum2, sum3];
      for (let s = 0; s < Math.min(4, J - j); s++) out[i * J + j + s] = sums[s];
    }
}

// aᵀ, for a of shape (rows, columns).
export function transposed(a, rows, columns) {
  const out = new Float32Array(rows * columns);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) out[c * rows + r] = a[r * columns + c];
  return out;
}
