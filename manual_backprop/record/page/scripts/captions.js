// What happens at this position: the formula, and the formula with numbers in it.
function showCaption() {
  const count = step.calls.length, box = $("say");
  box.replaceChildren();
  if (position === lastPosition()) showUpdate(box);
  else if (position < count) showForward(box, position);
  else showBackward(box, lastPosition() - 1 - position);
}

function title(direction, number) {
  const call = step.calls[number], place = call.place ? ` (${call.place})` : "";
  return `${direction}, operation ${number + 1} of ${step.calls.length}: ${call.operation}${place}`;
}

function showForward(box, number) {
  const call = step.calls[number];
  make("p", title("Forward", number), box);
  make("p", call.formula, box, "formula");
  make("p", withNumbers(call), box, "numbers");
}

function showBackward(box, number) {
  make("p", title("Backward", number), box);
  for (const back of step.calls[number].backward) {
    const { gradient } = step.values[back.input];
    const beside = back.ulps === null ? "PyTorch's own backward" : `${short(back.ulps)} ulp from autograd's`;
    make("p", back.formula, box, "formula");
    make("p", `‖${gradient ? gradient.symbol : ""}‖ = ${short(back.norm)}; ${beside}`, box, "numbers");
  }
}

function showUpdate(box) {
  const after = step.losses[step.lrs.indexOf(step.lr)];
  make("p", "Update", box);
  make("p", "w ← w − η ∂L/∂w, for every parameter", box, "formula");
  make("p", `L = ${short(step.loss)} becomes ${short(after)} with η = ${short(step.lr)}`, box, "numbers");
}

// The formula of an operation, with the numbers of the unit that is largest put in.
function withNumbers(call) {
  const out = outputOf(call), inputs = inputsOf(call), r = rowOf(out), c = largest(rowAt(out, r));
  const left = indexed(out.symbol, r, c), recorded = short(at(out, r, c));
  if (call.products === "affine") return `${left} = ${affineSum(inputs, r, c)}, recorded ${recorded}`;
  if (call.template) {
    const z = short(at(inputs[0], r, c));
    return `${left} = ${call.template.replaceAll("{0}", z.startsWith("-") ? `(${z})` : z)} = ${recorded}`;
  }
  const given = inputs.map((value) => `${value.symbol} = ${short(at(value, rowOf(value), 0))}`);
  return `${given.join(", ")} → ${out.symbol} = ${recorded}`;
}

// The three largest products of x Wᵀ + b, and the sum.
function affineSum([x, W, b], r, c) {
  const products = range(x.shown[1]).map((i) => [at(x, r, i), at(W, c, i)]);
  const bySize = products.slice().sort((p, q) => Math.abs(q[0] * q[1]) - Math.abs(p[0] * p[1]));
  const terms = bySize.slice(0, 3).map(([a, w]) => `${short(a)} · ${short(w)}`);
  if (products.length > terms.length) terms.push(`… (${products.length} products)`);
  if (b) terms.push(short(at(b, 0, c)));
  const total = sum(products.map(([a, w]) => a * w)) + (b ? at(b, 0, c) : 0);
  return `${terms.join(" + ")} = ${short(total)}`;
}
