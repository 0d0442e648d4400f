// Canvases, and images made of numbers.

/** @import { Levels } from "../types.d.ts" */

import { bytes } from "./base64.js";

/**
 * @param {HTMLCanvasElement} canvas
 * @param {CanvasRenderingContext2DSettings} [options]
 */
export const contextOf = (canvas, options) => {
  const context = canvas.getContext("2d", options);
  if (context) return context;
  throw new TypeError("This canvas has a context of another kind.");
};

/**
 * A canvas that is not on the page.
 * @param {number} width
 * @param {number} height
 * @param {CanvasRenderingContext2DSettings} [options]
 */
export const offPage = (width, height, options) => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  return contextOf(canvas, options);
};

/**
 * Makes a canvas of width x height CSS pixels, sharp on every screen; returns its context, scaled to CSS pixels.
 * @param {HTMLCanvasElement} canvas
 * @param {number} width
 * @param {number} height
 */
export const fitCanvas = (canvas, width, height) => {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = contextOf(canvas);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
};

/** @param {ImageData} image */
const onCanvas = (image) => {
  const context = offPage(image.width, image.height);
  context.putImageData(image, 0, 0);
  return context.canvas;
};

/**
 * A square image of grey values, bright on black.
 * @param {Uint8Array} pixels
 */
export const greyImage = (pixels) => {
  const side = Math.sqrt(pixels.length);
  const image = new ImageData(side, side);
  for (let i = 0; i < pixels.length; i++) image.data.set([pixels[i], pixels[i], pixels[i], 255], 4 * i);
  return onCanvas(image);
};

/**
 * Levels of a map (128 is zero) as an image of its size.
 * @param {Uint8Array} levels
 * @param {number} width
 * @param {number} height
 * @param {number[][]} colours of the 256 levels
 * @param {number} fraction of the colours that is used, for maps on a common scale
 */
export const signedImage = (levels, width, height, colours, fraction) => {
  const image = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    const [red, green, blue] = colours[128 + Math.round((levels[i] - 128) * fraction)];
    image.data[4 * i] = red;
    image.data[4 * i + 1] = green;
    image.data[4 * i + 2] = blue;
    image.data[4 * i + 3] = 255;
  }
  return onCanvas(image);
};

/**
 * One map of a layer as the server sends it, or one number of a vector, and its range in words.
 * @param {Levels} layer
 * @param {number} channel
 */
export const mapOf = ({ shape, tops, values }, channel) => {
  const isVector = shape.length === 1;
  const [height, width] = isVector ? [1, 1] : shape.slice(1);
  const levels = bytes(values).subarray(channel * height * width, (channel + 1) * height * width);
  const top = tops[isVector ? 0 : channel];
  /** @param {number} level */
  const value = (level) => (((level - 128) / 127) * top).toPrecision(3).replace("-", "−");
  const words = isVector ? value(levels[0]) : `from ${value(Math.min(...levels))} to ${value(Math.max(...levels))}`;
  return { isVector, height, width, levels, top, words };
};
