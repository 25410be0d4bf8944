// A matrix of weights as pictures: a unit's weights in the places of the pixels that they multiply.
import { colours, largestOf, tint } from "./layout.js";

const GAP = 1;  // pixels between two pictures

export function drawImages(canvas, W, side) {
  const [units, inputs] = W.rect;
  const [width, height] = side ? [side, side] : [inputs, 1];
  const across = side ? Math.ceil(Math.sqrt(2 * units)) : 1, down = Math.ceil(units / across);
  const gap = side ? GAP : 0;
  canvas.width = across * (width + gap) - gap;
  canvas.height = down * (height + gap) - gap;
  const context = canvas.getContext("2d"), pixels = context.createImageData(canvas.width, canvas.height);
  const most = largestOf(W.numbers), mixed = colours();
  for (let unit = 0; unit < units; unit++) {
    const left = (unit % across) * (width + gap), top = Math.floor(unit / across) * (height + gap);
    for (let i = 0; i < inputs; i++) {
      const pixel = (top + Math.floor(i / width)) * canvas.width + left + (i % width);
      tint(pixels.data, pixel, W.numbers[unit * inputs + i] / most, mixed);
    }
  }
  context.putImageData(pixels, 0, 0);
}
