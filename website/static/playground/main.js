// The page: what is chosen on it, and a loop that asks the network after each change.
//
// A tool is what one of the choices "What do you want to do?" adds. It may have
//   enter(), leave()         when it is chosen, and no longer;
//   base()                   the picture, in place of the scene;
//   whole(picture)           called with the picture before anything is covered;
//   given(picture)           what the network gets of it;
//   map()                    the map to show, in place of Grad-CAM's;
//   after(picture, answer)   called with the network's answer.

import { buildBars, seen } from "./bars.js";
import { enlarge, gradCam, shade } from "./maps.js";
import { loadNetwork, probability, remembering } from "./network.js";
import { buildObjects, fill, firstObjects } from "./objects.js";
import { drawScene, loadWorld, show } from "./scene.js";
import { makeCover } from "./tool-cover.js";
import { makeGame } from "./tool-game.js";
import { makePhoto } from "./tool-photo.js";
import { makeRise } from "./tool-rise.js";

const QUIET = 400;
const find = (id) => document.getElementById(id);

/** Load everything, show the page in place of the still picture, and keep it up to date. */
export async function start(root) {
  const [world, answer] = await Promise.all([loadWorld(), loadNetwork()]);
  const answerOnce = remembering(answer);
  const app = root.querySelector(".pg-app");
  const objects = firstObjects(world);
  const state = { asked: objects[0].category, scene: { ground: 0, objects }, photo: null };

  let waiting = false;
  let drawing = false;
  /** Draw again, as soon as the last drawing is done. */
  function changed() {
    waiting = true;
    if (drawing) return;
    drawing = true;
    app.setAttribute("aria-busy", "true");
    requestAnimationFrame(async () => {
      waiting = false;
      try {
        await draw();
      } finally {
        drawing = false;
        if (waiting) changed();
        else app.setAttribute("aria-busy", "false");
      }
    });
  }

  async function draw() {
    const now = tool;
    const whole = now.base?.() ?? state.photo ?? drawScene(world, state.scene);
    find("pg-handles").hidden = Boolean(now.base || state.photo);
    now.whole?.(whole);
    const picture = now.given?.(whole) ?? whole;
    show(find("pg-picture"), picture);
    const answered = await answerOnce(picture);
    const probabilities = Array.from(answered.scores, probability);
    bars.show(probabilities);
    say(seen(world.classes, probabilities));
    shade(find("pg-shade"), now.map ? now.map() : lookedAt(answered));
    await now.after?.(whole, answered);
    root.dispatchEvent(new Event("drawn"));
  }

  function lookedAt({ activations }) {
    if (!find("pg-look").checked) return null;
    return enlarge(gradCam(activations, world.weights, state.asked));
  }

  let later;
  /** Say a sentence once nothing has moved for a while. */
  function say(sentence) {
    clearTimeout(later);
    later = setTimeout(() => { find("pg-said").textContent = sentence; }, QUIET);
  }

  const ask = (category) => {
    state.asked = category;
    bars.choose(category);
    changed();
  };
  const bars = buildBars(world.classes, ask);
  find("pg-look").addEventListener("change", changed);

  const ground = find("pg-ground");
  fill(ground, world.grounds.map(({ name }) => name));
  ground.addEventListener("input", () => {
    state.scene.ground = Number(ground.value);
    changed();
  });
  const begin = () => {
    state.scene = { ground: 0, objects: firstObjects(world) };
    ground.value = 0;
    buildObjects(world, state.scene.objects, changed);
    changed();
  };
  find("pg-again").addEventListener("click", begin);

  const page = { root, world, answer, answerOnce, state, ask, changed, find };
  const tools = {
    move: { enter: () => { state.photo = null; } },
    cover: makeCover(page),
    rise: makeRise(page),
    game: makeGame(page),
    photo: makePhoto(page),
  };
  let tool = tools.move;
  for (const other of Object.values(tools)) other.leave?.();
  function choose(name) {
    tool.leave?.();
    tool = tools[name];
    for (const part of app.querySelectorAll("[data-tools]")) {
      part.hidden = !part.dataset.tools.split(" ").includes(name);
    }
    tool.enter?.();
    changed();
  }
  for (const input of app.querySelectorAll("[name=pg-tool]")) {
    input.addEventListener("change", () => choose(input.value));
    // A browser that comes back to the page may have kept another choice.
    input.checked = input.value === "move";
  }

  begin();
  ask(state.asked);
  choose("move");
  root.querySelector(".pg-still").hidden = true;
  app.hidden = false;
}
