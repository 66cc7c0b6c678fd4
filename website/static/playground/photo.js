// A picture of one's own, from a file or the camera. It stays on this page.

import { PIXELS, SIZE } from "./network.js";

/** The middle of a picture or video as the network takes it, 3 x 96 x 96 numbers. */
export function toPicture(source, width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIZE;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  // Where it is transparent, it lies on white.
  context.fillStyle = "#fff";
  context.fillRect(0, 0, SIZE, SIZE);
  const side = Math.min(width, height);
  const corner = [(width - side) / 2, (height - side) / 2];
  context.drawImage(source, ...corner, side, side, 0, 0, SIZE, SIZE);
  const { data } = context.getImageData(0, 0, SIZE, SIZE);
  return Float32Array.from({ length: 3 * PIXELS }, (_, i) =>
    data[4 * (i % PIXELS) + Math.floor(i / PIXELS)] / 255);
}

/** The picture in a file; an error with a sentence where it is none. */
export async function readFile(file) {
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new Error(`${file.name} is not a picture that this browser can read.`);
  });
  return toPicture(bitmap, bitmap.width, bitmap.height);
}

/** Start the camera; return a function for its picture of now, and one to stop it. */
export async function startCamera() {
  const stream = await navigator.mediaDevices?.getUserMedia({ video: true }).catch(() => null);
  if (!stream) throw new Error("There is no camera that this page may use.");
  const video = document.createElement("video");
  video.srcObject = stream;
  video.muted = video.playsInline = true;
  await video.play();
  return {
    picture: () => toPicture(video, video.videoWidth, video.videoHeight),
    stop: () => stream.getTracks().forEach((track) => track.stop()),
  };
}
