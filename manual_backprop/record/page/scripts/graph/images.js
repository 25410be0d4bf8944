// A matrix of weights as pictures: a unit's weights in the places of the pixels that they multiply.
import { colours, largestOf, tint } from "./layout.js";

const GAP = 2;  // pixels between two pictures, one at least where they are shown at half their size

export function drawImages(canvas, W, side) {
  const [units, inputs] = W.rect;
  const [width, height] = side ? [side, side] : [inputs, 1];
  const across = side ? Math.ceil(Math.sqrt(2 * units)) : 1, down = Math.ceil(units / across);
  const gap = side ? GAP : 0;
  const columns = across * (width + gap) - gap, rows = down * (height + gap) - gap;
  if (canvas.width !== columns || canvas.height !== rows) Object.assign(canvas, { width: columns, height: rows });
  const context = canvas.getContext("2d"), image = context.createImageData(columns, rows);
  const pixels = new Uint32Array(image.data.buffer), most = largestOf(W.numbers), palette = colours();
  for (let unit = 0; unit < units; unit++) {
    const left = (unit % across) * (width + gap), top = Math.floor(unit / across) * (height + gap);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        pixels[(top + y) * columns + left + x] = tint(W.numbers[unit * inputs + y * width + x] / most, palette);
  }
  context.putImageData(image, 0, 0);
}
