// The test samples: one picture with all of them, their true classes and their numbers in the data set. The server may
// have the others, too: these then count on after the samples, and have a picture of their own.

import { bytes, words16 } from "./base64.js";
import { emit } from "./bus.js";
import { fitCanvas } from "./drawing.js";
import { facts } from "./facts.js";

export const SIZE = facts.size; // height and width of an image, in pixels
const shipped = facts.samples;
export let labels = bytes(shipped.labels);
export let numbers = words16(shipped.numbers);
export const sheet = new Image();
export const otherSheet = new Image();
sheet.src = shipped.sheet;

/**
 * Which ones there are: labels and numbers, those of the samples first.
 * @param {Uint8Array<ArrayBuffer>} theirLabels
 * @param {Uint16Array<ArrayBuffer>} theirNumbers
 */
export const use = (theirLabels, theirNumbers) => {
  [labels, numbers] = [theirLabels, theirNumbers];
};

export const count = () => labels.length;

export const isReady = () => sheet.complete && sheet.naturalWidth > 0;

/** Until the sheet is there; it is asked for once more when that failed. */
export const load = () =>
  sheet.decode().catch(() => {
    sheet.src = shipped.sheet;
    return sheet.decode();
  });

/** @param {number} index */
export const name = (index) => facts.classes[labels[index]];

/** @param {number} index */
export const title = (index) => `${name(index)}, test image ${numbers[index]}`;

/**
 * Place of the sample with that number in the data set; -1: there is none.
 * @param {string | null} text
 */
export const numbered = (text) => (text && /^\d{1,5}$/.test(text) ? numbers.indexOf(Number(text)) : -1);

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} index
 * @param {number} x
 * @param {number} y
 * @param {number} size
 */
export const draw = (context, index, x, y, size) => {
  const isShipped = index < shipped.count;
  const place = isShipped ? index : index - shipped.count;
  const [left, top] = [SIZE * (place % shipped.columns), SIZE * Math.floor(place / shipped.columns)];
  context.imageSmoothingEnabled = false;
  context.drawImage(isShipped ? sheet : otherSheet, left, top, SIZE, SIZE, x, y, size, size);
};

/**
 * A button with the sample's thumbnail; a click makes it the current picture.
 * @param {number} index
 * @param {number} size
 */
export const button = (index, size) => {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "thumbnail";
  made.title = title(index);
  made.setAttribute("aria-label", title(index));
  const canvas = document.createElement("canvas");
  const paint = () => draw(fitCanvas(canvas, size, size), index, 0, 0, size);
  if (isReady()) paint();
  else sheet.addEventListener("load", paint, { once: true });
  made.append(canvas);
  made.addEventListener("click", () => emit("sample", index));
  return made;
};
