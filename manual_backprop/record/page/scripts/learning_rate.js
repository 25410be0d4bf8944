// What the update does to the loss and to the parameters, by the learning rate that is chosen.
function showRate() {
  const chosenRate = Number($("rate").value), rate = step.lrs[chosenRate], loss = step.losses[chosenRate];
  const change = `the loss of these examples goes from ${short(step.loss)} to ${short(loss)}.`;
  $("rate").setAttribute("aria-valuetext", `η = ${short(rate)}`);
  $("rate-says").textContent = `η = ${short(rate)}: ${change}${moveOfChosen(rate)}`;
  drawLosses(chosenRate);
  showMoves(rate);
}

function moveOfChosen(rate) {
  const value = chosen && step.values[chosen.id];
  if (!value || !value.learned || !value.gradient) return "";
  const w = at(value, chosen.r, chosen.c), g = at(value.gradient, chosen.r, chosen.c);
  return ` ${indexed(value.symbol, chosen.r, chosen.c)} goes from ${short(w)} to ${short(w - rate * g)}.`;
}

function drawLosses(chosenRate) {
  const svg = $("curve"), finite = step.losses.filter(Number.isFinite);
  const low = Math.min(...finite), high = Math.max(...finite), loss = step.losses[chosenRate];
  const x = (i) => 34 + (i * 276) / Math.max(step.lrs.length - 1, 1);
  const y = (v) => (Number.isFinite(v) ? 105 - (90 * (v - low)) / (high - low || 1) : 10);
  const write = (text, x, y) => { makeSvg("text", { x, y }, svg).textContent = text; };
  svg.replaceChildren();
  makeSvg("line", { x1: 34, x2: 310, y1: y(step.loss), y2: y(step.loss) }, svg);
  makeSvg("polyline", { points: step.losses.map((v, i) => `${x(i)},${y(v)}`).join(" ") }, svg);
  makeSvg("circle", { cx: x(chosenRate), cy: y(loss), r: 5 }, svg);
  write(short(high), 0, y(high) + 4);
  write(short(low), 0, y(low) + 4);
  step.lrs.forEach((v, i) => { if (i % 3 === 1) write(short(v), x(i) - 8, 124); });
}

function showMoves(rate) {
  const table = $("moves");
  table.replaceChildren();
  const head = make("tr", "", table);
  for (const title of ["", "‖w‖", "‖∂L/∂w‖", "‖−η ∂L/∂w‖", "update/w"]) make("th", title, head);
  for (const value of step.values.filter((v) => v.learned && v.gradient)) {
    const row = make("tr", "", table), moved = rate * value.gradient.norm;
    const ratio = value.norm ? short(moved / value.norm) : "–";
    for (const cell of [value.symbol, short(value.norm), short(value.gradient.norm), short(moved), ratio])
      make("td", cell, row);
  }
}
