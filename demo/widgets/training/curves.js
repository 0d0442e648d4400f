// Loss and accuracy of a training as two charts on the same steps: how they are drawn, what is read from them, and saved.

/** @import { EpochDone, StepDone } from "../types.d.ts" */
/** @import { Look } from "./chart.js" */
/** @import { Measure } from "./run.js" */

import { around, finder, findAll, saveFile } from "../shared/dom.js";
import { places } from "../shared/axes.js";
import { fitCanvas } from "../shared/drawing.js";
import { moved, zoomed } from "../shared/scales.js";
import { drawChart, stepScale, wholeRange } from "./chart.js";
import { hearCurveGestures } from "./curve_gestures.js";
import { addEpoch, addStep, bestInWords, knownSteps, nearest, newRun } from "./run.js";
import { toCsv, toPicture } from "./saving.js";
import { smooth } from "./smoothing.js";

const HEIGHT = 220; // CSS pixels
const FEWEST_STEPS = 4; // in sight

/** @param {HTMLElement} element */
export const makeCurves = (element) => {
  const find = finder(element);
  const charts = findAll(element, "[data-chart]").map((each) => {
    const canvas = find(`[data-chart=${each.dataset.chart}]`, HTMLCanvasElement);
    return { canvas, measure: /** @type {Measure} */ (each.dataset.chart) };
  });
  const smoothing = find("[name=smoothing]", HTMLInputElement);
  const logLoss = find("[name=log_loss]", HTMLInputElement);
  const logSteps = find("[name=log_steps]", HTMLInputElement);
  const showAll = find(".show-all", HTMLButtonElement);
  const saveButtons = findAll(element, "[data-save]");

  let run = newRun();
  /** @type {Look} */
  let look = { zoom: null, smoothing: 0, isLogLoss: false, isLogSteps: false, at: null, brush: null };

  // --- what is drawn, and what it says ---------------------------------------------------------------------------

  /** @type {(measure: Measure, value: number) => string} */
  const inWords = (measure, value) =>
    measure === "loss" ? value.toPrecision(3) : `${(100 * value).toFixed(1)}\u00a0%`;

  /** @param {Measure} measure */
  const read = (measure) => {
    const { at, smoothing } = look;
    if (at === null) return "";
    const i = run.points.findIndex(({ step }) => step === at);
    const held = run.epochs.findLast(({ step }) => step <= at);
    const values = run.points.map((point) => point[measure]);
    const smoothed = smooth(values, smoothing);
    const told = [
      ...(i < 0
        ? []
        : [inWords(measure, values[i]) + (smoothing ? ` (smoothed ${inWords(measure, smoothed[i])})` : "")]),
      ...(held ? [`validation ${inWords(measure, held[measure])}`] : []),
    ];
    return `Step ${at.toLocaleString("en")}: ${told.join(", ")}`;
  };

  const draw = () => {
    for (const { canvas, measure } of charts) {
      const width = around(canvas, "figure").clientWidth;
      if (!width) continue;
      drawChart(fitCanvas(canvas, width, HEIGHT), [width, HEIGHT], measure, run, look);
      const last = run.epochs.at(-1);
      const latest = last ? `${inWords(measure, last[measure])} after step ${last.step} of ${run.steps}` : "none yet";
      const name = measure === "loss" ? "Loss" : "Accuracy";
      find(`[data-reading=${measure}]`).textContent = read(measure);
      canvas.setAttribute("aria-label", `${name} by steps; on held-out images: ${latest}`);
    }
    find(".changes").hidden = !run.changes.length;
    const changes = run.changes.map(({ step, words }) => `${words} after step ${step}`);
    find(".changes").textContent = `Changed while it ran: ${changes.join("; ")}.`;
    showAll.hidden = look.zoom === null;
    for (const button of saveButtons) button.toggleAttribute("disabled", !run.points.length);
  };

  /** @param {Partial<Look>} changes */
  const show = (changes) => {
    look = { ...look, ...changes };
    draw();
  };

  // --- reading and zooming ---------------------------------------------------------------------------------------

  /** @param {number | null} step */
  const readAt = (step) => {
    const known = knownSteps(run);
    show({ at: step === null || !known.length ? null : known[nearest(known, step)] });
  };

  for (const { canvas } of charts) {
    const width = () => around(canvas, "figure").clientWidth;
    const scale = () => stepScale(run, look, width());
    /** @param {[number, number]} range */
    const zoomTo = ([from, to]) => {
      const whole = wholeRange(run, look);
      if (to - from < FEWEST_STEPS) return;
      show({ zoom: from <= whole[0] && to >= whole[1] ? null : [from, to] });
    };
    hearCurveGestures(canvas, {
      point: (place) => readAt(place === null ? null : scale().back(place)),
      walk: (by) => {
        const known = knownSteps(run);
        const now = look.at === null ? (by > 0 ? -1 : known.length) : nearest(known, look.at);
        readAt(known[Math.max(0, Math.min(known.length - 1, now + by))]);
      },
      brush: (brush) => show({ brush }),
      choose: ([from, to]) => zoomTo([scale().back(from), scale().back(to)]),
      zoomBy: (factor, place) => {
        const middle = look.at === null ? width() / 2 : scale().at(look.at);
        zoomTo(zoomed(scale(), places(width()), factor, place ?? middle, wholeRange(run, look)));
      },
      moveBy: (pixels) => {
        if (look.zoom) show({ zoom: moved(scale(), places(width()), pixels, wholeRange(run, look)) });
      },
      showAll: () => show({ zoom: null }),
      isFocused: () => document.activeElement === canvas,
    });
  }
  showAll.addEventListener("click", () => {
    show({ zoom: null });
    charts[0].canvas.focus({ preventScroll: true }); // the button is gone
  });
  const choose = () => {
    find(".smoothing output").textContent = smoothing.valueAsNumber.toFixed(2);
    const isLogSteps = logSteps.checked;
    show({
      smoothing: smoothing.valueAsNumber,
      isLogLoss: logLoss.checked,
      isLogSteps,
      zoom: isLogSteps === look.isLogSteps ? look.zoom : null,
    });
  };
  for (const input of [smoothing, logLoss, logSteps]) input.addEventListener("input", choose);

  // --- saving ----------------------------------------------------------------------------------------------------

  for (const button of saveButtons) {
    const measure = /** @type {Measure} */ (button.dataset.of);
    button.addEventListener("click", () => {
      if (button.dataset.save === "PNG") toPicture(run, measure, look, (file) => saveFile(file, `${measure}.png`));
      else saveFile(new Blob([toCsv(run, measure, look.smoothing)], { type: "text/csv" }), `${measure}.csv`);
    });
  }

  new ResizeObserver(draw).observe(find(".charts"));
  choose();

  /** @param {string} words about the best epoch */
  const sayBest = (words) => {
    find(".key .best").hidden = !words;
    find(".key .words").textContent = words;
  };

  return {
    clear: () => {
      run = newRun();
      sayBest("");
      show({ zoom: null, at: null, brush: null });
    },
    /** @param {number} steps in all */
    begin: (steps) => (run.steps = steps),
    /** @param {StepDone} event */
    addStep: (event) => addStep(run, event),
    /** @param {EpochDone} event */
    addEpoch: (event) => {
      addEpoch(run, event);
      sayBest(bestInWords(run));
    },
    /**
     * Something was changed after that step.
     * @type {(step: number, steps: number, words: string) => void}
     */
    addChange: (step, steps, words) => {
      run.steps = steps;
      run.changes.push({ step, words });
    },
    /** @param {number} epoch whose weights are the result */
    keep: (epoch) => {
      if (epoch && run.epochs.length) sayBest(`best, and kept: epoch ${epoch}`);
    },
    draw,
  };
};
