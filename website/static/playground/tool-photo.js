// "Photo": a picture of one's own in place of the scene.

import { readFile, startCamera } from "./photo.js";

/** Build the tool; see main.js for what a tool is. */
export function makePhoto({ state, changed, find }) {
  const button = find("pg-camera");
  const said = find("pg-photo-said");
  let camera = null;

  function stop() {
    camera?.stop();
    camera = null;
    button.textContent = "Use the camera";
  }
  /** Do what may fail, and say why it did. */
  async function attempt(work) {
    said.textContent = "";
    try {
      await work();
    } catch (error) {
      said.textContent = error.message;
    }
    changed();
  }

  const input = find("pg-file");
  input.addEventListener("change", () => attempt(async () => {
    if (!input.files.length) return;
    stop();
    state.photo = await readFile(input.files[0]);
  }));
  button.addEventListener("click", () => attempt(async () => {
    if (camera) {
      stop();
    } else {
      camera = await startCamera();
      button.textContent = "Keep this picture";
    }
  }));

  return {
    leave: stop,
    after() {
      if (!camera) return;
      state.photo = camera.picture();
      changed();
    },
  };
}
