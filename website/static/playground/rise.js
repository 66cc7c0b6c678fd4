// RISE (lesson 06): random masks, each weighed by the probabilities of what it leaves visible.

import { PIXELS, SIZE } from "./network.js";

const CELLS = 7;
const SHIFTS = Math.ceil(SIZE / CELLS);
// So that a mask that is shifted as far as can be still lies on the grid.
const CELL = Math.ceil((SIZE + SHIFTS) / CELLS);

/** Random numbers in [0, 1), the same ones for the same seed (mulberry32). */
export function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Where each pixel of a line lies among the cells: two cells, and the share of the second. */
function line(shift) {
  const cell = (index) => {
    // Beyond the grid it is reflected, without its border cell twice.
    if (index < 0) return -index;
    return index < CELLS ? index : 2 * (CELLS - 1) - index;
  };
  return Array.from({ length: SIZE }, (_, i) => {
    const place = (i + shift + 0.5) / CELL - 0.5;
    const low = Math.floor(place);
    return [cell(low), cell(low + 1), place - low];
  });
}

const LINES = Array.from({ length: SHIFTS }, (_, shift) => line(shift));

/** A mask, 96 x 96 numbers in [0, 1]: a random grid of 7 x 7 cells, enlarged and shifted. */
export function randomMask(random) {
  const grid = Array.from({ length: CELLS * CELLS }, () => (random() < 0.5 ? 1 : 0));
  const rows = LINES[Math.floor(random() * SHIFTS)];
  const columns = LINES[Math.floor(random() * SHIFTS)];
  const mask = new Float32Array(PIXELS);
  for (let row = 0; row < SIZE; row++) {
    const [above, below, down] = rows[row];
    const cells = Array.from({ length: CELLS }, (_, i) =>
      grid[above * CELLS + i] * (1 - down) + grid[below * CELLS + i] * down);
    for (let column = 0; column < SIZE; column++) {
      const [left, right, across] = columns[column];
      mask[row * SIZE + column] = cells[left] * (1 - across) + cells[right] * across;
    }
  }
  return mask;
}

/** The map of a picture, as it grows. */
export class Rise {
  constructor(picture, classes, seed = 1) {
    this.picture = picture;
    this.classes = classes;
    this.random = generator(seed);
    this.count = 0;
    this.sums = Array.from({ length: classes }, () => new Float64Array(PIXELS));
  }

  /** The next masks, and the pictures under them, one after the other. */
  next(count) {
    const masks = Array.from({ length: count }, () => randomMask(this.random));
    const pictures = new Float32Array(count * this.picture.length);
    masks.forEach((mask, k) => {
      const start = k * this.picture.length;
      for (let i = 0; i < this.picture.length; i++) {
        pictures[start + i] = this.picture[i] * mask[i % PIXELS];
      }
    });
    return { masks, pictures };
  }

  /** Add masks, each with the probabilities of all classes: count x classes numbers. */
  add(masks, probabilities) {
    masks.forEach((mask, k) => this.sums.forEach((sum, category) => {
      const weight = probabilities[k * this.classes + category];
      for (let i = 0; i < PIXELS; i++) sum[i] += weight * mask[i];
    }));
    this.count += masks.length;
  }

  /** The map of a class so far: the mean of probability x mask. */
  map(category) {
    return Float32Array.from(this.sums[category], (sum) => sum / this.count);
  }

  /** What rises above the lowest place: the map stands on the mean probability of a mask. */
  aboveLowest(category) {
    const map = this.map(category);
    const lowest = map.reduce((a, b) => Math.min(a, b));
    return map.map((value) => value - lowest);
  }
}
