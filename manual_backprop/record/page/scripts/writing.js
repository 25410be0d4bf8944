// A number has one notation on the page, which record/numbers/writing.py shares: at most four significant
// digits, and a power of ten below 10⁻⁴ and from 10⁴ on.
export function short(x) {
  if (!Number.isFinite(x)) return { NaN: "NaN", Infinity: "∞" }[x] || "−∞";
  const [mantissa, power] = x.toExponential(3).split("e"), exponent = Number(power);
  const text = exponent < -4 || exponent >= 4
    ? `${Number(mantissa)}·10${exponent < 0 ? "⁻" : ""}${superscript(Math.abs(exponent))}`
    : String(Number(x.toFixed(Math.max(3 - exponent, 0))));
  return text.replace("-", "−");
}
const superscript = (number) => [...String(number)].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]).join("");
export const inProduct = (x, i) => (i > 0 && x < 0 ? `(${short(x)})` : short(x));

// "1 step", "2 steps".
export const counted = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

// A number by its index: of a tensor of more than two dimensions, a column is an index in several parts.
export function indexed(symbol, shape, r, c) {
  const index = [];
  for (const size of shape.slice(1).reverse()) {
    index.unshift(c % size);
    c = Math.floor(c / size);
  }
  if (!shape.length) return symbol;
  return `${symbol}[${[shape.length > 1 ? r : c, ...index].join(",")}]`;
}
