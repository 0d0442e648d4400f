// A chart's frame: round values on lines across, round numbers below, and in it lines and dots.

/** @import { Pair } from "../types.d.ts" */

import { thin } from "./thinning.js";
import { themeColour } from "./theme.js";

export const MARGIN = { left: 44, right: 10, top: 16, bottom: 24 }; // CSS pixels
const FONT = "12px system-ui, sans-serif";

/**
 * @typedef {object} Frame where what is drawn
 * @property {CanvasRenderingContext2D} context
 * @property {(value: number) => number} x
 * @property {(value: number) => number} y
 * @property {Pair} across its left and right edge
 * @property {Pair} down its upper and lower edge
 */

/**
 * From the left edge to the right one of a chart of this width.
 * @param {number} width
 */
export const places = (width) => /** @type {Pair} */ ([MARGIN.left, width - MARGIN.right]);

/**
 * Round values with lines across, and numbers below with what they count.
 * @type {(frame: Frame, values: ReturnType<typeof import("./scales.js").ticks>, numbers: number[], unit: string) => void}
 */
export const drawAxes = (
  { context, x, y, across: [start, end], down: [, bottom] },
  { values, decimals },
  numbers,
  unit,
) => {
  context.font = FONT;
  context.lineWidth = 1;
  context.fillStyle = themeColour("--body-text-color-subdued");
  context.strokeStyle = themeColour("--border-color-primary");
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const value of values) {
    const place = Math.round(y(value)) + 0.5;
    context.beginPath();
    context.moveTo(start, place);
    context.lineTo(end, place);
    context.stroke();
    context.fillText(value.toFixed(decimals), start - 6, place);
  }
  const below = bottom + MARGIN.bottom - 6;
  context.textBaseline = "alphabetic";
  context.fillText(unit, end, below);
  const room = end - context.measureText(unit).width - 22;
  context.textAlign = "center";
  for (const number of numbers) {
    if (x(number) < room) context.fillText(number.toLocaleString("en"), x(number), below);
  }
};

/**
 * A line through points, in the colour and width that the context has.
 * @type {(frame: Frame, points: Pair[]) => void}
 */
export const drawLine = ({ context, x, y }, points) => {
  context.beginPath();
  for (const place of thin(points.map(([across, up]) => [x(across), y(up)]))) context.lineTo(...place);
  context.stroke();
};

/** @type {(frame: Frame, point: Pair, radius: number, colour: string) => void} */
export const drawDot = ({ context, x, y }, [across, up], radius, colour) => {
  context.fillStyle = colour;
  context.beginPath();
  context.arc(x(across), y(up), radius, 0, 2 * Math.PI);
  context.fill();
};
