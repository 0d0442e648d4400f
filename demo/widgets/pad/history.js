// What can be undone on the pad, and done again.
//
// The history is a list of steps, each a background (blank paper, a sample, an uploaded picture) or a stroke. What is on
// the pad is the last background and the strokes after it: undo takes the last step away, redo puts it back, and a new
// step drops what could be redone. Clearing is a step, too: a blank background.

/** @import { Pair, Picture, Steps } from "../types.d.ts" */

/**
 * @typedef {object} Background
 * @property {"background"} kind
 * @property {string} paper its colour, and the pen's on it
 * @property {string} pen
 * @property {HTMLImageElement | HTMLCanvasElement} [image]
 * @property {boolean} [smooth] the image is enlarged smoothly
 * @property {Asking} [ask] how the server is asked about the image
 * @property {string} [hint]
 * @property {boolean} [isExample]
 */

/**
 * @typedef {object} Asking
 * @property {Picture} [request]
 * @property {File} [file] that was opened; from then on it is known by its pixels
 * @property {string | null} [overruled] the kind that the visitor said it is
 * @property {Steps} [steps]
 */

/**
 * @typedef {object} Stroke
 * @property {"stroke"} kind
 * @property {number} pointer
 * @property {Tool} tool
 * @property {number} size
 * @property {Pair[]} points
 * @property {boolean} touches
 */

/** @typedef {Background | Stroke} Step */
/** @typedef {"pen" | "eraser"} Tool */

const MAX_STEPS = 500; // that are remembered for undo

/** @param {Background} first */
export const makeHistory = (first) => {
  /** @type {Step[]} */
  let steps = [first];
  /** @type {Step[]} */
  let undone = []; // the one to be redone next is the last
  /** @type {Step[]} */
  let dropped = []; // what could be redone before the last step was added

  /** @param {Step[]} steps */
  const lastBackground = (steps) => steps.findLastIndex((step) => step.kind === "background");

  return {
    background: () => /** @type {Background} */ (steps[lastBackground(steps)]), // there always is one
    strokes: () => steps.slice(lastBackground(steps) + 1).filter((step) => step.kind === "stroke"),
    canUndo: () => steps.length > 1,
    canRedo: () => undone.length > 0,

    /** @param {Step} step */
    add(step) {
      steps.push(step);
      [dropped, undone] = [undone, []];
      // Of too many steps those are remembered that lead to what is on the pad, and to what was there before.
      if (steps.length > MAX_STEPS)
        steps = steps.slice(Math.max(lastBackground(steps.slice(0, lastBackground(steps))), 0));
    },
    /** As if the step that was added last had never been. */
    withdraw() {
      steps.pop();
      undone = dropped;
    },
    undo() {
      if (steps.length > 1) undone.push(...steps.splice(-1));
    },
    redo() {
      steps.push(...undone.splice(-1));
    },
    /** @param {Background} background on which all begins again */
    restart(background) {
      [steps, undone] = [[background], []];
    },
  };
};
