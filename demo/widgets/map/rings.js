// The rings above the marks: around the current picture, with lines to the images most like it and its trail, and around
// the images that another view or the pointer is at.

/** @import { Colours, Pair } from "../types.d.ts" */
/** @import { View } from "./view.js" */

import { contextOf } from "../shared/drawing.js";

/**
 * All in places.
 * @typedef {object} Scene
 * @property {Pair | null} you of the current picture
 * @property {Pair[]} alike of the images most like it
 * @property {Pair[]} trail of where it was
 * @property {Pair[]} marked of images that another view is about
 * @property {Pair | null} highlight of the image that the visitor is at
 */

/**
 * @param {HTMLCanvasElement} canvas
 * @param {View} view
 */
export const makeRings = (canvas, view) => {
  const context = contextOf(canvas);

  /** @type {(place: Pair, radius: number) => void} */
  const ring = (place, radius) => {
    context.beginPath();
    context.arc(...view.toPage(place), radius, 0, 2 * Math.PI);
    context.stroke();
  };
  /** @type {(from: Pair, to: Pair) => void} */
  const line = (from, to) => {
    context.beginPath();
    context.moveTo(...view.toPage(from));
    context.lineTo(...view.toPage(to));
    context.stroke();
  };

  /** @type {(scene: Scene, look: Colours) => void} */
  const paint = ({ you, alike, trail, marked, highlight }, look) => {
    if (!view.fit(canvas)) context.clearRect(0, 0, view.width, view.height);
    context.globalAlpha = 1;
    context.strokeStyle = look.ink;
    context.lineWidth = 1.5;
    for (const place of marked) ring(place, 6);
    if (you) {
      context.lineWidth = 1;
      context.globalAlpha = 0.55;
      for (const place of alike) line(you, place);
      context.strokeStyle = look.accent;
      context.lineWidth = 2.5;
      for (let i = 1; i < trail.length; i++) {
        context.globalAlpha = i / trail.length;
        line(trail[i - 1], trail[i]);
      }
    }
    context.globalAlpha = 1;
    if (highlight) {
      context.strokeStyle = look.background;
      context.lineWidth = 5;
      ring(highlight, 9);
      context.strokeStyle = look.accent;
      context.lineWidth = 2.5;
      ring(highlight, 9);
    }
    if (you) {
      context.strokeStyle = look.ink;
      context.fillStyle = look.background;
      context.lineWidth = 3.5;
      ring(you, 8);
      context.fill();
    }
  };

  return { paint };
};
