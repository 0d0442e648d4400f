// What the curves of a training are made of.

/** @import { EpochDone, StepDone } from "../types.d.ts" */

/** @typedef {"loss" | "accuracy"} Measure */
/** @typedef {{ step: number, epoch: number, loss: number, accuracy: number }} Point */
/** @typedef {Point & { isBest: boolean }} EpochPoint the one that is the best so far, of all */

/**
 * @typedef {object} Run
 * @property {number} steps in all, by what is known now
 * @property {Point[]} points while training
 * @property {EpochPoint[]} epochs on the held-out images
 * @property {{ step: number, words: string }[]} changes after which steps something was changed
 */

/** @returns {Run} */
export const newRun = () => ({ steps: 1, points: [], epochs: [], changes: [] });

/** @type {(run: Run, event: StepDone) => void} */
export const addStep = (run, { step, steps, epoch, loss, accuracy }) => {
  run.steps = steps;
  run.points.push({ step, epoch, loss, accuracy });
};

/** @type {(run: Run, event: EpochDone) => void} */
export const addEpoch = (run, { step, epoch, validation_loss, validation_accuracy, best }) => {
  if (validation_loss === null) return;
  if (best) run.epochs.forEach((each) => (each.isBest = false));
  run.epochs.push({ step, epoch, loss: validation_loss, accuracy: validation_accuracy, isBest: best });
};

/**
 * Which epoch is the best, and how long ago it was; nothing before the first.
 * @param {Run} run
 */
export const bestInWords = ({ epochs }) => {
  const best = epochs.find(({ isBest }) => isBest);
  const latest = epochs.at(-1);
  if (!best || !latest) return "";
  const since = latest.epoch - best.epoch;
  return `best: epoch ${best.epoch}, ${since ? `${since} epoch${since > 1 ? "s" : ""} since` : "the latest"}`;
};

/**
 * The steps of which values are known, in order.
 * @param {Run} run
 */
export const knownSteps = ({ points, epochs }) =>
  [...new Set([...points, ...epochs].map(({ step }) => step))].sort((one, other) => one - other);

/**
 * The place among steps in order of the one that is nearest; -1 without any.
 * @param {number[]} steps
 * @param {number} step
 */
export const nearest = (steps, step) => {
  const after = steps.findIndex((each) => each >= step);
  if (after < 0) return steps.length - 1;
  if (after === 0) return 0;
  return step - steps[after - 1] < steps[after] - step ? after - 1 : after;
};
