// Runs tiny_vgg: the engine is onnxruntime-web, its plain WebAssembly build with one thread.

import * as ort from "./engine/ort.wasm.bundle.min.mjs";

export const SIZE = 96;
export const PIXELS = SIZE * SIZE;
const CHANNELS = 3;

/** Load the network; return an asynchronous function from pictures to what it answers. */
export async function loadNetwork() {
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = {
    wasm: new URL("./engine/ort-wasm-simd-threaded.wasm", import.meta.url).href,
  };
  const file = new URL("./tiny_vgg.onnx", import.meta.url).href;
  const session = await ort.InferenceSession.create(file, { executionProviders: ["wasm"] });

  /**
   * What the network answers.
   * @param {Float32Array} pictures N x 3 x 96 x 96 numbers in [0, 1].
   * @returns scores (N x 8 numbers) and activations (N x 128 x 6 x 6).
   */
  return async function answer(pictures) {
    const shape = [pictures.length / (CHANNELS * PIXELS), CHANNELS, SIZE, SIZE];
    const given = new ort.Tensor("float32", pictures, shape);
    const { scores, activations } = await session.run({ pictures: given });
    return { scores: scores.data, activations: activations.data };
  };
}

/** The same function, which knows its last answers and doesn't ask twice for the same picture. */
export function remembering(answer, kept = 2) {
  let known = [];
  return async (picture) => {
    const same = known.find((one) => one.picture.every((value, i) => value === picture[i]));
    const one = same ?? { picture, answered: await answer(picture) };
    known = [one, ...known.filter((other) => other !== one)].slice(0, kept);
    return one.answered;
  };
}

/** The probability that belongs to a score. */
export const probability = (score) => 1 / (1 + Math.exp(-score));
