// "RISE": the map comes out of the noise, mask after mask.

import { probability } from "./network.js";
import { Rise } from "./rise.js";
import { show } from "./scene.js";

const TOGETHER = 8;
const ENOUGH = 2000;

/** Build the tool; see main.js for what a tool is. */
export function makeRise({ root, world, answer, state, changed, find }) {
  const button = find("pg-run");
  let rise = null;
  let running = false;

  function run(on) {
    if (on === running) return;
    running = on;
    button.textContent = on ? "Stop" : "Go on";
    if (on) work();
  }

  async function work() {
    while (running && rise.count < ENOUGH) {
      await new Promise(requestAnimationFrame);
      const current = rise;
      const { masks, pictures } = current.next(TOGETHER);
      const probabilities = Array.from((await answer(pictures)).scores, probability);
      current.add(masks, probabilities);
      if (current !== rise) continue;
      show(find("pg-masked"), pictures.subarray(0, current.picture.length));
      const name = world.classes[state.asked];
      const one = probabilities[state.asked].toFixed(2);
      find("pg-masks").textContent =
        `${rise.count} masks. Under the one beside, the network gives ${name} ${one}.`;
      changed();
      root.dispatchEvent(new CustomEvent("masks", { detail: rise.count }));
    }
    run(false);
  }

  function begin(picture) {
    rise = new Rise(picture, world.classes.length);
    button.textContent = "Start";
    if (running) button.textContent = "Stop";
    find("pg-masks").textContent = "No masks yet.";
    show(find("pg-masked"), picture);
  }

  button.addEventListener("click", () => {
    if (rise.count >= ENOUGH) begin(rise.picture);
    run(!running);
  });

  return {
    leave: () => run(false),
    // Another picture needs a map of its own.
    whole(picture) {
      if (!rise || picture.some((value, i) => value !== rise.picture[i])) begin(picture);
    },
    map: () => (rise.count ? rise.aboveLowest(state.asked) : null),
  };
}
