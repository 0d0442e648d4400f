// Curves to keep: as a table, and as a picture.

/** @import { Look } from "./chart.js" */
/** @import { Measure, Run } from "./run.js" */

import { offPage } from "../shared/drawing.js";
import { themeColour } from "../shared/theme.js";
import { drawChart } from "./chart.js";
import { bestInWords } from "./run.js";
import { smooth } from "./smoothing.js";

const [WIDTH, HEIGHT, TITLE] = [800, 400, 34]; // of a picture, in CSS pixels
const RATIO = 2; // its pixels for each of these

/**
 * A row for each step that is known, as a spreadsheet reads it; empty where there is no value.
 * @param {Run} run
 * @param {Measure} measure
 * @param {number} smoothing
 */
export const toCsv = ({ points, epochs }, measure, smoothing) => {
  const values = points.map((point) => point[measure]);
  const smoothed = smooth(values, smoothing);
  /** @type {Map<number, (string | number)[]>} */
  const rows = new Map(points.map(({ step, epoch }, i) => [step, [step, epoch, values[i], smoothed[i], ""]]));
  for (const { step, epoch, [measure]: value } of epochs) {
    const row = rows.get(step) ?? [step, epoch, "", "", ""];
    row[4] = value;
    rows.set(step, row);
  }
  const sorted = [...rows.values()].sort((one, other) => Number(one[0]) - Number(other[0]));
  const head = ["step", "epoch", `training_${measure}`, `training_${measure}_smoothed`, `validation_${measure}`];
  return [head, ...sorted].map((row) => `${row.join(",")}\n`).join("");
};

/**
 * A PNG file of a chart as it is shown, with its title and what the lines are.
 * @type {(run: Run, measure: Measure, look: Look, take: (file: Blob) => void) => void}
 */
export const toPicture = (run, measure, look, take) => {
  const context = offPage(WIDTH * RATIO, (HEIGHT + TITLE) * RATIO);
  context.scale(RATIO, RATIO);
  context.fillStyle = themeColour("--background-fill-primary");
  context.fillRect(0, 0, WIDTH, HEIGHT + TITLE);
  context.font = "600 15px system-ui, sans-serif";
  context.fillStyle = themeColour("--body-text-color");
  context.fillText(measure === "loss" ? "Loss" : "Accuracy", 12, 24);
  context.font = "12px system-ui, sans-serif";
  context.textAlign = "right";
  const best = bestInWords(run);
  const key = [
    { words: `validation${best && `, ${best}`}`, colour: "--color-accent" },
    {
      words: `training${look.smoothing ? `, smoothed ${look.smoothing.toFixed(2)}` : ""}`,
      colour: "--body-text-color-subdued",
    },
  ];
  let right = WIDTH - 12;
  for (const { words, colour } of key) {
    context.fillStyle = themeColour(colour);
    context.fillText(words, right, 24);
    right -= context.measureText(words).width + 18;
  }
  context.translate(0, TITLE);
  drawChart(context, [WIDTH, HEIGHT], measure, run, { ...look, at: null, brush: null });
  context.canvas.toBlob((file) => file && take(file));
};
