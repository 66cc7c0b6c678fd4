// "Game": what would you cover to change its mind?

import {
  SIDE, best, coverSquares, keepBest, makeBoard, squaresByMap, squaresNeeded,
} from "./game.js";
import { probability } from "./network.js";
import { fill } from "./objects.js";

/** Build the tool; see main.js for what a tool is. */
export function makeGame({ world, answer, ask, changed, find }) {
  const covered = new Set();
  const board = find("pg-board");
  const choice = find("pg-puzzle");
  let puzzle = world.puzzles[0];
  const category = () => world.classes.indexOf(puzzle.shape);

  const describe = makeBoard(board, covered, changed);
  const clear = () => {
    covered.clear();
    describe();
    changed();
  };
  fill(choice, world.puzzles.map(({ shape }) => shape));
  choice.addEventListener("input", () => {
    puzzle = world.puzzles[Number(choice.value)];
    find("pg-rival").textContent = "";
    ask(category());
    clear();
  });
  find("pg-clear").addEventListener("click", clear);
  find("pg-ask-map").addEventListener("click", async () => {
    const asked = puzzle;
    const { activations } = await answer(asked.pixels);
    const squares = squaresByMap(activations, world.weights, category());
    const count = await squaresNeeded(answer, asked.pixels, squares, category());
    if (asked !== puzzle) return;
    find("pg-rival").textContent =
      `Covering squares from where Grad-CAM's map is brightest on takes ${count}.`;
  });

  return {
    base: () => puzzle.pixels,
    enter() {
      board.hidden = false;
      ask(category());
    },
    leave: () => { board.hidden = true; },
    given: (whole) => coverSquares(whole, covered),
    // The player looks for the places without a map's help.
    map: () => null,
    after(whole, { scores }) {
      const now = probability(scores[category()]);
      const done = now < 0.5;
      const fewest = done ? keepBest(puzzle.seed, covered.size) : best(puzzle.seed);
      const squares = `${covered.size} of ${SIDE * SIDE} squares covered`;
      find("pg-game").textContent =
        `${puzzle.shape} ${now.toFixed(2)}, ${squares}. ` +
        (done ? "It changed its mind! " : `Cover more until ${puzzle.shape} is below 0.50. `) +
        (fewest ? `Your best: ${fewest}.` : "");
    },
  };
}
