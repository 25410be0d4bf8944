// Numbers in formulas, and sums and products of them, as record/numbers/ writes them: `text` is the right-hand side of
// an equation, `value` what it comes to, and `largest` the size of the largest term of a sum.
import { range, sum } from "../../step.js";
import { short } from "../../writing.js";

const SHOWN = 3;  // terms of a long sum
const WHOLE = 4;  // terms of a sum that is written out

export const written = (text, value, left = "") => ({ text, value, left, largest: 0 });

// With what it comes to.
export function workedOut({ text, value }) {
  return text === short(value) ? text : `${text} = ${short(value)}`;
}

// A number as a part of a formula: in brackets, unless it is a plain positive one.
export function inside(x) {
  const text = short(x);
  return /^[\d.]+$/.test(text) ? text : `(${text})`;
}

const product = (a, b) => `${short(a)} · ${b < 0 ? inside(b) : short(b)}`;

function added(terms) {
  return terms.reduce((text, term) => text + (term.startsWith("−") ? ` − ${term.slice(1)}` : ` + ${term}`));
}

// Σ of the values: all of the terms if they are few, else the largest ones and what the others come to.
export function summed(values, write, whole = WHOLE) {
  if (!values.length) return written("0", 0);
  const order = range(values.length), result = written("", sum(values));
  if (values.length > whole) order.sort((i, j) => Math.abs(values[j]) - Math.abs(values[i]));
  result.largest = values.reduce((top, x) => Math.max(top, Math.abs(x)), 0);
  if (values.length <= whole) return { ...result, text: added(order.map(write)) };
  const others = order.slice(SHOWN).sort((i, j) => i - j), rest = sum(others.map((i) => values[i]));
  return { ...result, text: added([...order.slice(0, SHOWN).map(write), `(${others.length} others: ${short(rest)})`]) };
}

// Σ value · factor, without the factors that are 0; a factor that all share is written once.
export function sumOfProducts(pairs) {
  const terms = pairs.filter(([, factor]) => factor !== 0);
  if (terms.length && terms.every(([, factor]) => factor === terms[0][1]))
    return sharedFactor(terms.map(([value]) => value), terms[0][1]);
  const write = (i) => (terms[i][1] === 1 ? short(terms[i][0]) : product(...terms[i]));
  return summed(terms.map(([value, factor]) => value * factor), write);
}

// f Σ value: Σ value / n where f is 1/n.
function sharedFactor(values, factor) {
  const total = summed(values, (i) => short(values[i]));
  if (factor === 1) return total;
  const several = values.length > 1, value = factor * total.value, divisor = 1 / factor;
  const text = several ? `(${total.text})` : total.text, whole = Math.round(divisor);
  if (factor === -1) return written(`−${several ? text : inside(values[0])}`, value);
  if (Math.abs(divisor) > 1 && Math.abs(divisor - whole) < 1e-9 * Math.abs(divisor))
    return written(`${text} / ${inside(whole)}`, value);
  return written(`${text} · ${inside(factor)}`, value);
}
