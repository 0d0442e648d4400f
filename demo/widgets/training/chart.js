// One curve chart of a training, drawn: while training faint as it was and strong when smoothed, with dots on the
// held-out images.

/** @import { Pair } from "../types.d.ts" */
/** @import { Measure, Point, Run } from "./run.js" */

import { themeColour } from "../shared/theme.js";
import { logTicks, makeScale, ticks } from "./scales.js";
import { smooth } from "./smoothing.js";
import { thin } from "./thinning.js";

const MARGIN = { left: 44, right: 10, top: 16, bottom: 24 }; // CSS pixels
const FONT = "12px system-ui, sans-serif";

/**
 * @typedef {object} Look what is shown of a run
 * @property {Pair | null} zoom from which step to which; null: all
 * @property {number} smoothing
 * @property {boolean} isLogLoss
 * @property {boolean} isLogSteps
 * @property {number | null} at the step whose values are told
 * @property {Pair | null} brush places of a range that is being chosen
 */

/** @param {number} width */
export const places = (width) => /** @type {Pair} */ ([MARGIN.left, width - MARGIN.right]);

/**
 * From the first step to the last.
 * @type {(run: Run, look: Look) => Pair}
 */
export const wholeRange = ({ steps }, { isLogSteps }) => [isLogSteps ? 1 : 0, Math.max(2, steps)];

/** @type {(run: Run, look: Look, width: number) => import("./scales.js").Scale} */
export const stepScale = (run, look, width) =>
  makeScale(look.zoom ?? wholeRange(run, look), places(width), look.isLogSteps);

/**
 * From where to where the values go; in a part of the run, no further than the values in it.
 * @type {(values: number[], measure: Measure, isLog: boolean, isZoomed: boolean) => Pair}
 */
const valueRange = (values, measure, isLog, isZoomed) => {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  if (isLog && values.length) return [Math.max(least, 1e-6) / 1.1, most * 1.1];
  if (!isZoomed || !values.length) {
    return [isLog ? 0.01 : 0, measure === "accuracy" ? 1 : Math.max(0.5, Math.ceil(2 * Math.max(0, most)) / 2)];
  }
  const room = Math.max(0.05 * (most - least), 0.001);
  return [Math.max(0, least - room), measure === "accuracy" ? Math.min(1, most + room) : most + room];
};

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Pair} size in CSS pixels
 * @param {Measure} measure
 * @param {Run} run
 * @param {Look} look
 */
export const drawChart = (context, [width, height], measure, run, look) => {
  const { points, epochs, changes } = run;
  const isLog = look.isLogLoss && measure === "loss";
  const [start, end] = places(width);
  const [top, bottom] = [MARGIN.top, height - MARGIN.bottom];
  const [from, to] = look.zoom ?? wholeRange(run, look);
  const x = stepScale(run, look, width).at;
  const values = points.map((point) => point[measure]);
  const smoothed = smooth(values, look.smoothing);
  const heldOut = epochs.map((point) => point[measure]);
  // With the neighbours outside to which its lines go.
  /** @type {(list: Point[], values: number[]) => number[]} */
  const inSight = (list, values) =>
    values.filter((_, i) => (list[i + 1] ?? list[i]).step >= from && (list[i - 1] ?? list[i]).step <= to);
  const seen = [...inSight(points, values), ...inSight(points, smoothed), ...inSight(epochs, heldOut)];
  const range = valueRange(seen, measure, isLog, look.zoom !== null);
  const y = makeScale(range, [bottom, top], isLog).at;

  context.font = FONT;
  context.lineWidth = 1;
  context.lineJoin = "round";
  context.fillStyle = themeColour("--body-text-color-subdued");
  context.strokeStyle = themeColour("--border-color-primary");
  context.textAlign = "right";
  context.textBaseline = "middle";
  const marked = isLog ? logTicks(range, 6) : ticks(range, 5);
  for (const value of marked.values) {
    const place = Math.round(y(value)) + 0.5;
    context.beginPath();
    context.moveTo(start, place);
    context.lineTo(end, place);
    context.stroke();
    context.fillText(value.toFixed(marked.decimals), start - 6, place);
  }
  context.textBaseline = "alphabetic";
  context.fillText("steps", end, height - 6);
  context.textAlign = "center";
  const steps = look.isLogSteps ? logTicks([from, to], 6) : ticks([from, to], Math.max(2, Math.floor(width / 70)));
  for (const step of steps.values.filter(Number.isInteger)) {
    if (run.steps > 1 && x(step) < end - 54) context.fillText(step.toLocaleString("en"), x(step), height - 6);
  }

  context.save();
  context.beginPath();
  context.rect(start, 0, end - start + (look.zoom ? 0 : MARGIN.right), bottom + 6);
  context.clip();
  if (look.brush) {
    context.fillStyle = themeColour("--accent-wash");
    context.fillRect(look.brush[0], top, look.brush[1] - look.brush[0], bottom - top);
  }
  let said = -Infinity; // where the words about the change before end
  for (const { step, words } of changes.filter((change) => change.step >= from && change.step <= to)) {
    upright(context, x(step), top, bottom, themeColour("--body-text-color-subdued"), [4, 3]);
    context.fillStyle = themeColour("--body-text-color-subdued");
    const long = context.measureText(words).width;
    const isRoom = x(step) + long + 4 < end;
    context.textAlign = isRoom ? "left" : "right";
    const left = isRoom ? x(step) : x(step) - long;
    if (left <= said) continue;
    context.fillText(words, x(step), top - 5);
    said = left + long + 8;
  }

  /** @type {(list: Point[], values: number[]) => void} */
  const line = (list, values) => {
    context.beginPath();
    const points = list.map((point, i) => /** @type {Pair} */ ([x(point.step), y(values[i])]));
    for (const place of thin(points)) context.lineTo(...place);
    context.stroke();
  };
  context.strokeStyle = themeColour("--body-text-color-subdued");
  if (look.smoothing) {
    context.globalAlpha = 0.45;
    line(points, values);
    context.globalAlpha = 1;
  }
  context.lineWidth = 2;
  line(points, smoothed);
  context.strokeStyle = themeColour("--color-accent");
  line(epochs, heldOut);
  for (const point of epochs) {
    dot(context, x(point.step), y(point[measure]), point.isBest ? 6 : 3, themeColour("--color-accent"));
    if (point.isBest) dot(context, x(point.step), y(point[measure]), 2.5, themeColour("--background-fill-primary"));
  }
  if (look.at !== null) {
    upright(context, x(look.at), top, bottom, themeColour("--body-text-color"), []);
    const i = points.findIndex(({ step }) => step === look.at);
    if (i >= 0) dot(context, x(look.at), y(smoothed[i]), 3.5, themeColour("--body-text-color"));
  }
  context.restore();
};

/** @type {(context: CanvasRenderingContext2D, x: number, top: number, bottom: number, colour: string, dashes: number[]) => void} */
const upright = (context, x, top, bottom, colour, dashes) => {
  context.save();
  context.lineWidth = 1;
  context.strokeStyle = colour;
  context.setLineDash(dashes);
  context.beginPath();
  context.moveTo(Math.round(x) + 0.5, top);
  context.lineTo(Math.round(x) + 0.5, bottom);
  context.stroke();
  context.restore();
};

/** @type {(context: CanvasRenderingContext2D, x: number, y: number, radius: number, colour: string) => void} */
const dot = (context, x, y, radius, colour) => {
  context.fillStyle = colour;
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
};
