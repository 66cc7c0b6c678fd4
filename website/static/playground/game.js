// The game: cover as few of 12 x 12 squares as one can, so that the network changes its mind.

import { enlarge, gradCam } from "./maps.js";
import { SIZE, probability } from "./network.js";
import { coverWithGrey } from "./scene.js";

export const SIDE = 12;
const CELL = SIZE / SIDE;
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const TOGETHER = 8;

/** The picture with the squares of these numbers, row by row, covered with grey. */
export function coverSquares(picture, squares) {
  let covered = picture;
  for (const square of squares) {
    const box = {
      x: (square % SIDE) * CELL, y: Math.floor(square / SIDE) * CELL, width: CELL, height: CELL,
    };
    covered = coverWithGrey(covered, box);
  }
  return covered;
}

/** Squares from the one where Grad-CAM's map is highest on average to the lowest. */
export function squaresByMap(activations, weights, category) {
  const map = enlarge(gradCam(activations, weights, category));
  const sums = new Float64Array(SIDE * SIDE);
  map.forEach((value, i) => {
    const row = Math.floor(i / SIZE / CELL);
    sums[row * SIDE + Math.floor((i % SIZE) / CELL)] += value;
  });
  return [...sums.keys()].sort((a, b) => sums[b] - sums[a]);
}

/** How many of the squares, in their order, it takes until the class is improbable. */
export async function squaresNeeded(answer, picture, squares, category) {
  for (let start = 1; start <= squares.length; start += TOGETHER) {
    const counts = Array.from({ length: TOGETHER }, (_, i) => Math.min(start + i, squares.length));
    const pictures = new Float32Array(TOGETHER * picture.length);
    counts.forEach((count, i) =>
      pictures.set(coverSquares(picture, squares.slice(0, count)), i * picture.length));
    const { scores } = await answer(pictures);
    const classes = scores.length / TOGETHER;
    const found = counts.findIndex((_, i) => probability(scores[i * classes + category]) < 0.5);
    if (found >= 0) return counts[found];
  }
  return squares.length;
}

/** The fewest squares so far, kept by the browser; null without any. */
export function best(seed) {
  try {
    return Number(localStorage.getItem(`playground-${seed}`)) || null;
  } catch {
    return null;
  }
}

/** Keep a result if it is the best; return the best, also where the browser keeps nothing. */
export function keepBest(seed, count) {
  const fewest = Math.min(count, best(seed) ?? count);
  try {
    localStorage.setItem(`playground-${seed}`, fewest);
  } catch {
    // Blocked: the best of this visit is what was found last.
  }
  return fewest;
}

/**
 * Let squares be covered by dragging, or by the arrow keys and the space bar.
 * @param board the element over the picture that takes the pointer and the keys.
 * @param covered the set of covered squares, changed here.
 * @param changed called after each change.
 * @returns a function to call after the set was changed elsewhere.
 */
export function makeBoard(board, covered, changed) {
  const cursor = board.firstElementChild;
  const at = { x: 0, y: 0 };
  const point = () => {
    cursor.style.left = `${(100 * at.x) / SIDE}%`;
    cursor.style.top = `${(100 * at.y) / SIDE}%`;
    const state = covered.has(at.y * SIDE + at.x) ? "covered" : "not covered";
    board.setAttribute("aria-label",
      `row ${at.y + 1}, column ${at.x + 1} of ${SIDE}, ${state}: arrow keys move, the space bar covers`);
  };
  const set = (cover) => {
    const square = at.y * SIDE + at.x;
    if (cover) covered.add(square);
    else covered.delete(square);
    point();
    changed();
  };
  const aim = (event) => {
    const box = board.getBoundingClientRect();
    const inside = (share) => Math.min(SIDE - 1, Math.max(0, Math.floor(share * SIDE)));
    at.x = inside((event.clientX - box.left) / box.width);
    at.y = inside((event.clientY - box.top) / box.height);
  };

  // The first square that is touched says whether dragging covers or uncovers.
  let cover = null;
  board.addEventListener("pointerdown", (event) => {
    board.setPointerCapture(event.pointerId);
    aim(event);
    cover = !covered.has(at.y * SIDE + at.x);
    set(cover);
  });
  board.addEventListener("pointermove", (event) => {
    if (cover === null) return;
    aim(event);
    if (covered.has(at.y * SIDE + at.x) !== cover) set(cover);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    board.addEventListener(end, () => { cover = null; });
  }
  board.addEventListener("keydown", (event) => {
    const arrow = KEYS[event.key];
    if (arrow) {
      at.x = Math.min(SIDE - 1, Math.max(0, at.x + arrow[0]));
      at.y = Math.min(SIDE - 1, Math.max(0, at.y + arrow[1]));
      point();
    } else if (event.key === " ") {
      set(!covered.has(at.y * SIDE + at.x));
    } else {
      return;
    }
    event.preventDefault();
  });
  point();
  return point;
}
