// Handles on the picture: each is a button that a finger, a mouse or the arrow keys move.

import { SIZE } from "./network.js";

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const STEP = 4;

/**
 * Make a handle on a stage.
 * @param stage the element over the picture.
 * @param box an object with x, y, width and height in pixels of the picture; x and y are changed.
 * @param moved called after each move.
 * @returns the button, with a function `place` that puts it where the box is.
 */
export function makeHandle(stage, box, moved) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "pg-handle";
  stage.append(button);

  const percent = (pixels) => `${(100 * pixels) / SIZE}%`;
  button.place = () => {
    button.style.left = percent(box.x);
    button.style.top = percent(box.y);
    button.style.width = percent(box.width);
    button.style.height = percent(box.height);
  };
  const move = (x, y) => {
    // The middle stays on the picture.
    box.x = Math.round(Math.min(SIZE - box.width / 2, Math.max(-box.width / 2, x)));
    box.y = Math.round(Math.min(SIZE - box.height / 2, Math.max(-box.height / 2, y)));
    button.place();
    moved();
  };

  let from = null;
  button.addEventListener("pointerdown", (event) => {
    button.setPointerCapture(event.pointerId);
    from = { x: box.x, y: box.y, left: event.clientX, top: event.clientY };
  });
  button.addEventListener("pointermove", (event) => {
    if (!from) return;
    const scale = SIZE / stage.clientWidth;
    move(from.x + scale * (event.clientX - from.left), from.y + scale * (event.clientY - from.top));
  });
  for (const end of ["pointerup", "pointercancel"]) {
    button.addEventListener(end, () => { from = null; });
  }
  button.addEventListener("keydown", (event) => {
    const arrow = ARROWS[event.key];
    if (!arrow) return;
    event.preventDefault();
    const step = event.shiftKey ? 1 : STEP;
    move(box.x + step * arrow[0], box.y + step * arrow[1]);
  });
  button.place();
  return button;
}
