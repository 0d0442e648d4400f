// One curve chart of a training: faint while training, strong with dots on the held-out images.

/** @typedef {{ step: number, loss: number, accuracy: number }} Point */

import { around } from "../shared/dom.js";
import { fitCanvas } from "../shared/drawing.js";
import { themeColour } from "../shared/theme.js";

const MAX_POINTS = 400; // on a curve: more are thinned out
const HEIGHT = 200; // CSS pixels

/**
 * @param {HTMLCanvasElement} canvas
 * @param {"loss" | "accuracy"} name
 * @param {{ points: Point[], epochs: Point[], steps: number }} run
 */
export const drawChart = (canvas, name, { points, epochs, steps }) => {
  const width = around(canvas, "figure").clientWidth;
  if (!width) return;
  const context = fitCanvas(canvas, width, HEIGHT);
  const [left, right, top, bottom] = [38, 8, 8, 22];
  const values = [...points, ...epochs].map((point) => point[name]);
  // From 0 to 1, or up to the next round loss: lines at every fifth of it.
  const high = name === "accuracy" ? 1 : Math.max(0.5, Math.ceil(2 * Math.max(0, ...values)) / 2);
  /** @param {number} step */
  const x = (step) => left + ((width - left - right) * step) / steps;
  /** @param {number} value */
  const y = (value) => HEIGHT - bottom - ((HEIGHT - top - bottom) * value) / high;
  context.font = "12px system-ui, sans-serif";
  context.fillStyle = themeColour("--body-text-color-subdued");
  context.strokeStyle = themeColour("--border-color-primary");
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (let i = 0; i <= 5; i++) {
    const value = (high * i) / 5;
    context.beginPath();
    context.moveTo(left, y(value));
    context.lineTo(width - right, y(value));
    context.stroke();
    context.fillText(value.toFixed(1), left - 6, y(value));
  }
  context.textBaseline = "alphabetic";
  if (steps > 1) context.fillText(`${steps} steps`, width - right, HEIGHT - 6);
  /** @type {(list: Point[], colour: string, withDots: boolean) => void} */
  const line = (list, colour, withDots) => {
    context.strokeStyle = context.fillStyle = colour;
    context.lineWidth = 2;
    context.beginPath();
    list.forEach((point) => context.lineTo(x(point.step), y(point[name])));
    context.stroke();
    if (!withDots) return;
    for (const point of list) {
      context.beginPath();
      context.arc(x(point.step), y(point[name]), 3.5, 0, 2 * Math.PI);
      context.fill();
    }
  };
  const thin = Math.ceil(points.length / MAX_POINTS);
  line(
    points.filter((_, i) => i % thin === 0 || i === points.length - 1),
    themeColour("--bar"),
    false,
  );
  line(epochs, themeColour("--color-accent"), true);

  const last = epochs.at(-1);
  const value = last && (name === "loss" ? last.loss.toFixed(3) : `${(100 * last.accuracy).toFixed(1)} %`);
  const latest = last ? `${value} after step ${last.step} of ${steps}` : "none yet";
  canvas.setAttribute("aria-label", `${name === "loss" ? "Loss" : "Accuracy"} by steps; on held-out images: ${latest}`);
};
