// "Cover": a grey square to drag over the picture, and what it does to the score.

import { makeHandle } from "./handles.js";
import { probability } from "./network.js";
import { coverWithGrey } from "./scene.js";

/** Build the tool; see main.js for what a tool is. */
export function makeCover({ world, answerOnce, state, changed, find }) {
  const box = { x: 12, y: 16, width: 20, height: 20 };
  const square = makeHandle(find("pg-stage"), box, changed);
  square.classList.add("pg-square");
  square.setAttribute("aria-label", "grey square: move with the arrow keys");
  const side = find("pg-side");
  side.addEventListener("input", () => {
    const half = Math.round((Number(side.value) - box.width) / 2);
    box.x -= half;
    box.y -= half;
    box.width = box.height = Number(side.value);
    square.place();
    changed();
  });

  return {
    enter: () => { square.hidden = false; },
    leave: () => { square.hidden = true; },
    given: (whole) => coverWithGrey(whole, box),
    async after(whole, { scores }) {
      const before = (await answerOnce(whole)).scores[state.asked];
      find("pg-drop").textContent = drop(world.classes[state.asked], before, scores[state.asked]);
    },
  };
}

/** What the square does to the class that is asked for. */
function drop(name, before, after) {
  const [shown, covered] = [before, after].map((score) => probability(score).toFixed(2));
  const [from, to] = [before, after].map((score) => score.toFixed(1).replace("-", "−"));
  const word = after < before ? "falls" : "rises";
  return `Without the square, ${name} has the probability ${shown}; with it, ${covered}. ` +
    `Its score ${word} from ${from} to ${to}.`;
}
