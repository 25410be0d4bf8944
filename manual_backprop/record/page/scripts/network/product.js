// The one product that a layer needs, forward and backward; what differs is what stands transposed in it.

// out[i,j] = Σₖ a[i,k] b[j,k], which is a bᵀ, for a of shape (I, K) and b of shape (J, K). Eight sums at a time, so
// that a number that is read once serves several products. The sums are float64, as JavaScript's numbers are, and
// rounded to float32 once. At an edge some of the eight are the same sum.
export function product(a, b, I, J, K, out) {
  for (let i = 0; i < I; i += 2)
    for (let j = 0; j < J; j += 4) {
      const i1 = Math.min(i + 1, I - 1), j1 = Math.min(j + 1, J - 1);
      const j2 = Math.min(j + 2, J - 1), j3 = Math.min(j + 3, J - 1);
      let sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0, next0 = 0, next1 = 0, next2 = 0, next3 = 0;
      for (let k = 0; k < K; k++) {
        const x = a[i * K + k], y = a[i1 * K + k];
        const b0 = b[j * K + k], b1 = b[j1 * K + k], b2 = b[j2 * K + k], b3 = b[j3 * K + k];
        sum0 += x * b0;
        sum1 += x * b1;
        sum2 += x * b2;
        sum3 += x * b3;
        next0 += y * b0;
        next1 += y * b1;
        next2 += y * b2;
        next3 += y * b3;
      }
      const row = i * J, next = i1 * J;
      out[row + j] = sum0;
      out[row + j1] = sum1;
      out[row + j2] = sum2;
      out[row + j3] = sum3;
      out[next + j] = next0;
      out[next + j1] = next1;
      out[next + j2] = next2;
      out[next + j3] = next3;
    }
}

// aᵀ, for a of shape (rows, columns).
export function transposed(a, rows, columns) {
  const out = new Float32Array(rows * columns);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) out[c * rows + r] = a[r * columns + c];
  return out;
}
