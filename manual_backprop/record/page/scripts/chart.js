// Curves in a frame: the loss along a number, by learning rate, or step by step.
import { makeSvg } from "./dom.js";
import { extent } from "./step.js";
import { short } from "./writing.js";

const LEFT = 72, RIGHT = 408, UPPER = 22, LOWER = 168;

// `lines` have points [x, y] and a class; a point that is not finite interrupts its line. `spots` are single points,
// `level` is a y that is marked, and `ticks` are what is written at an x. What is outside of the range `y` is not
// drawn.
export function chart(svg, { lines, spots = [], level, x, y = rangeOf(lines), ticks = ends(x), xTitle, yTitle }) {
  const across = (value) => LEFT + ((value - x[0]) * (RIGHT - LEFT)) / (x[1] - x[0] || 1);
  const up = (value) => LOWER - ((value - y[0]) * (LOWER - UPPER)) / (y[1] - y[0] || 1);
  const write = (text, at, height, anchor) => {
    makeSvg("text", { x: at, y: height, "text-anchor": anchor }, svg).textContent = text;
  };
  svg.replaceChildren();
  makeSvg("path", { d: `M${LEFT},${UPPER - 6} V${LOWER} H${RIGHT}`, class: "axis" }, svg);
  if (Number.isFinite(level)) makeSvg("line", { x1: LEFT, x2: RIGHT, y1: up(level), y2: up(level) }, svg);
  for (const { points, className } of lines)
    for (const piece of pieces(thinned(points), y))
      makeSvg("polyline", { points: piece.map(([a, b]) => `${across(a)},${up(b)}`).join(" "), class: className }, svg);
  for (const { at: [a, b], className = "spot" } of spots)
    if (Number.isFinite(b) && b >= y[0] && b <= y[1])
      makeSvg("circle", { cx: across(a), cy: up(b), r: 5, class: className }, svg);
  write(yTitle, LEFT - 66, UPPER - 10, "start");
  const [low, high] = y.map(short);
  write(low === high ? `+${short(y[1] - y[0])}` : high, LEFT - 5, UPPER + 4, "end");
  write(low, LEFT - 5, LOWER, "end");
  for (const [at, text] of ticks) write(text, across(at), LOWER + 16, at === x[1] ? "end" : "middle");
  write(xTitle, (LEFT + RIGHT) / 2, LOWER + 32, "middle");
}

const ends = (x) => x.map((at) => [at, short(at)]);

// Of more points than the picture is wide, every so many, and the last.
const thinned = (points) => {
  const every = Math.ceil(points.length / (RIGHT - LEFT));
  return points.filter((_, i) => i % every === 0 || i === points.length - 1);
};

export function rangeOf(lines) {
  const [low, high] = extent(lines.flatMap(({ points }) => points.map(([, b]) => b)));
  if (low > high) return [0, 1];
  return low === high ? [low - 0.5, high + 0.5] : [low, high];
}

// The parts of a line that are inside of the range; where it leaves, it is drawn to the edge.
function pieces(points, [low, high]) {
  const inside = [[]];
  const is = ([, b]) => b >= low && b <= high;
  points.forEach((point, i) => {
    const before = points[i - 1];
    if (before && is(before) !== is(point) && [before, point].every(([, b]) => Number.isFinite(b)))
      inside.at(-1).push(crossing(before, point, low, high));
    if (is(point)) inside.at(-1).push(point);
    else if (inside.at(-1).length) inside.push([]);
  });
  return inside.filter((piece) => piece.length > 1);
}

function crossing([x1, y1], [x2, y2], low, high) {
  const edge = Math.max(y1, y2) > high ? high : low;
  return [x1 + ((edge - y1) * (x2 - x1)) / (y2 - y1), edge];
}
