// Draws scenes from the parts in world.json, as `course_lib.world.scenes` draws them.

import { PIXELS, SIZE } from "./network.js";

const GREY = 0.5;

const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const shares = (text) => Float32Array.from(bytes(text), (byte) => byte / 255);

/** Load world.json; its arrays become numbers. */
export async function loadWorld() {
  const response = await fetch(new URL("./world.json", import.meta.url));
  const world = await response.json();
  return {
    ...world,
    shapes: shares(world.shapes),
    patterns: shares(world.patterns),
    grounds: world.grounds.map((ground) => ({ ...ground, pixels: shares(ground.pixels) })),
    puzzles: world.puzzles.map((puzzle) => ({ ...puzzle, pixels: shares(puzzle.pixels) })),
    weights: new Float32Array(bytes(world.weights).buffer),
  };
}

/** The picture of a scene, 3 x 96 x 96: its ground, and its objects one over the other. */
export function drawScene(world, scene) {
  const ground = world.grounds[scene.ground];
  const picture = ground.pixels.slice();
  const colours = world.colours[ground.dark ? "dark" : "light"];
  for (const object of scene.objects) {
    if (object.shown) drawObject(world, object, colours[object.colour], picture);
  }
  return picture;
}

/** Draw an object: two colours mixed by its pattern, darker at the rim, where its shape covers. */
function drawObject(world, { category, pattern, x, y }, [first, second], picture) {
  const area = world.part ** 2;
  const cover = world.shapes.subarray(2 * category * area);
  const shade = cover.subarray(area);
  const mix = world.patterns.subarray(pattern * area);
  for (let i = 0; i < area; i++) {
    const column = x + (i % world.part);
    const row = y + Math.floor(i / world.part);
    if (cover[i] === 0 || column < 0 || column >= SIZE || row < 0 || row >= SIZE) continue;
    for (let c = 0; c < 3; c++) {
      const colour = (first[c] + mix[i] * (second[c] - first[c])) * shade[i];
      const place = c * PIXELS + row * SIZE + column;
      picture[place] += cover[i] * (colour - picture[place]);
    }
  }
}

/** The picture with a grey rectangle on it. */
export function coverWithGrey(picture, { x, y, width, height }) {
  const covered = picture.slice();
  for (let c = 0; c < 3; c++) {
    for (let row = Math.max(0, y); row < Math.min(SIZE, y + height); row++) {
      const line = c * PIXELS + row * SIZE;
      covered.fill(GREY, line + Math.max(0, x), line + Math.min(SIZE, x + width));
    }
  }
  return covered;
}

/** Show a picture on a canvas of 96 x 96 pixels. */
export function show(canvas, picture) {
  const image = new ImageData(SIZE, SIZE);
  for (let i = 0; i < PIXELS; i++) {
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = Math.round(255 * picture[c * PIXELS + i]);
    image.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}
