// One curve chart of a training, drawn: while training faint as it was and strong when smoothed, with dots on the
// held-out images.

/** @import { Pair } from "../types.d.ts" */
/** @import { Frame } from "../shared/axes.js" */
/** @import { Measure, Point, Run } from "./run.js" */

import { MARGIN, drawAxes, drawDot, drawLine, places } from "../shared/axes.js";
import { logTicks, makeScale, ticks } from "../shared/scales.js";
import { themeColour } from "../shared/theme.js";
import { smooth } from "./smoothing.js";

/**
 * @typedef {object} Look what is shown of a run
 * @property {Pair | null} zoom from which step to which; null: all
 * @property {number} smoothing
 * @property {boolean} isLogLoss
 * @property {boolean} isLogSteps
 * @property {number | null} at the step whose values are told
 * @property {Pair | null} brush places of a range that is being chosen
 */

/**
 * From the first step to the last.
 * @type {(run: Run, look: Look) => Pair}
 */
export const wholeRange = ({ steps }, { isLogSteps }) => [isLogSteps ? 1 : 0, Math.max(2, steps)];

/** @type {(run: Run, look: Look, width: number) => import("../shared/scales.js").Scale} */
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
 * Where something was changed, in words as far as there is room.
 * @type {(frame: Frame, changes: Run["changes"]) => void}
 */
const drawChanges = (frame, changes) => {
  const { context, x, across, down } = frame;
  let said = -Infinity; // where the words about the change before end
  for (const { step, words } of changes) {
    upright(frame, step, "--body-text-color-subdued", [4, 3]);
    const long = context.measureText(words).width;
    const isRoom = x(step) + long + 4 < across[1];
    const left = isRoom ? x(step) : x(step) - long;
    if (left <= said) continue;
    context.fillStyle = themeColour("--body-text-color-subdued");
    context.textAlign = "left";
    context.fillText(words, left, down[0] - 5);
    said = left + long + 8;
  }
};

/** @type {(list: Point[], values: number[]) => Pair[]} */
const pairs = (list, values) => list.map(({ step }, i) => [step, values[i]]);

/** @type {(frame: Frame, step: number, colour: string, dashes: number[]) => void} */
const upright = ({ context, x, down: [top, bottom] }, step, colour, dashes) => {
  context.lineWidth = 1;
  context.strokeStyle = themeColour(colour);
  context.setLineDash(dashes);
  context.beginPath();
  context.moveTo(Math.round(x(step)) + 0.5, top);
  context.lineTo(Math.round(x(step)) + 0.5, bottom);
  context.stroke();
  context.setLineDash([]);
};

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Pair} size in CSS pixels
 * @param {Measure} measure
 * @param {Run} run
 * @param {Look} look
 */
export const drawChart = (context, [width, height], measure, run, look) => {
  const { points, epochs } = run;
  const [from, to] = look.zoom ?? wholeRange(run, look);
  const values = points.map((point) => point[measure]);
  const smoothed = smooth(values, look.smoothing);
  const heldOut = epochs.map((point) => point[measure]);
  // With the neighbours outside to which its lines go.
  /** @type {(list: Point[], values: number[]) => number[]} */
  const inSight = (list, values) =>
    values.filter((_, i) => (list[i + 1] ?? list[i]).step >= from && (list[i - 1] ?? list[i]).step <= to);
  const seen = [...inSight(points, values), ...inSight(points, smoothed), ...inSight(epochs, heldOut)];

  const isLog = look.isLogLoss && measure === "loss";
  const range = valueRange(seen, measure, isLog, look.zoom !== null);
  const [across, down] = [places(width), /** @type {Pair} */ ([MARGIN.top, height - MARGIN.bottom])];
  const y = makeScale(range, [down[1], down[0]], isLog).at;
  /** @type {Frame} */
  const frame = { context, x: stepScale(run, look, width).at, y, across, down };
  const steps = look.isLogSteps ? logTicks([from, to], 6) : ticks([from, to], Math.max(2, Math.floor(width / 70)));
  const isKnown = run.steps > 1;
  drawAxes(
    frame,
    isLog ? logTicks(range, 6) : ticks(range, 5),
    isKnown ? steps.values.filter(Number.isInteger) : [],
    "steps",
  );

  context.save();
  context.beginPath();
  context.rect(across[0], 0, across[1] - across[0] + (look.zoom ? 0 : MARGIN.right), down[1] + 6);
  context.clip();
  if (look.brush) {
    context.fillStyle = themeColour("--accent-wash");
    context.fillRect(look.brush[0], down[0], look.brush[1] - look.brush[0], down[1] - down[0]);
  }
  drawChanges(
    frame,
    run.changes.filter(({ step }) => step >= from && step <= to),
  );
  context.lineJoin = "round";
  context.strokeStyle = themeColour("--body-text-color-subdued");
  if (look.smoothing) {
    context.lineWidth = 1;
    context.globalAlpha = 0.45;
    drawLine(frame, pairs(points, values));
    context.globalAlpha = 1;
  }
  context.lineWidth = 2;
  drawLine(frame, pairs(points, smoothed));
  context.strokeStyle = themeColour("--color-accent");
  drawLine(frame, pairs(epochs, heldOut));
  epochs.forEach(({ step, isBest }, i) => {
    drawDot(frame, [step, heldOut[i]], isBest ? 6 : 3, themeColour("--color-accent"));
    if (isBest) drawDot(frame, [step, heldOut[i]], 2.5, themeColour("--background-fill-primary"));
  });
  if (look.at !== null) {
    upright(frame, look.at, "--body-text-color", []);
    const i = points.findIndex(({ step }) => step === look.at);
    if (i >= 0) drawDot(frame, [look.at, smoothed[i]], 3.5, themeColour("--body-text-color"));
  }
  context.restore();
};
