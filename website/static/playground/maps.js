// Maps of where the network looks, and how they are shown: as light on the picture.

import { PIXELS, SIZE } from "./network.js";

const CHANNELS = 128;
const CELLS = 6;
const DARKEST = 0.75;

/**
 * Grad-CAM, 6 x 6 numbers: max(0, sum over channels of activation x mean gradient).
 * After average pooling and one linear layer the gradient is the class's weight / 36 everywhere.
 */
export function gradCam(activations, weights, category) {
  const map = new Float32Array(CELLS * CELLS);
  for (let channel = 0; channel < CHANNELS; channel++) {
    const weight = weights[category * CHANNELS + channel] / map.length;
    for (let u = 0; u < map.length; u++) map[u] += weight * activations[channel * map.length + u];
  }
  return map.map((value) => Math.max(0, value));
}

/** A square map enlarged to 96 x 96, bilinearly between the cells' centres. */
export function enlarge(map) {
  const side = Math.sqrt(map.length);
  const lines = Array.from({ length: SIZE }, (_, i) => {
    const place = Math.min(side - 1, Math.max(0, ((i + 0.5) * side) / SIZE - 0.5));
    const low = Math.floor(place);
    return { low, high: Math.min(side - 1, low + 1), share: place - low };
  });
  const large = new Float32Array(PIXELS);
  for (let i = 0; i < PIXELS; i++) {
    const row = lines[Math.floor(i / SIZE)];
    const column = lines[i % SIZE];
    const at = (line) => map[line * side + column.low] * (1 - column.share) +
      map[line * side + column.high] * column.share;
    large[i] = at(row.low) * (1 - row.share) + at(row.high) * row.share;
  }
  return large;
}

/** Darken a picture where its 96 x 96 map is low; without a map, leave it as it is. */
export function shade(canvas, map) {
  const image = new ImageData(SIZE, SIZE);
  const high = map ? map.reduce((a, b) => Math.max(a, b), 0) : 0;
  if (high > 0) {
    for (let i = 0; i < PIXELS; i++) {
      image.data[4 * i + 3] = Math.round(255 * DARKEST * (1 - map[i] / high));
    }
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}
