// The trainings of all the visitor's networks on one pair of charts: loss and accuracy on the held-out images.

/** @import { EpochDone, NetworkRow, Pair } from "../types.d.ts" */

import { on } from "../shared/bus.js";
import { around, findAll, finder } from "../shared/dom.js";
import { fitCanvas } from "../shared/drawing.js";
import { facts } from "../shared/facts.js";
import { MARGIN, drawAxes, drawDot, drawLine, places } from "../shared/axes.js";
import { makeScale, ticks } from "../shared/scales.js";
import { unbroken } from "../shared/text.js";

const HEIGHT = 220; // CSS pixels

/** @typedef {"epochs" | "images"} Unit what is counted below */
/** @typedef {{ id: string, name: string, colour: string, batch: number, epochs: EpochDone[] }} Curve */

/**
 * A curve for each of the networks that was trained with images held out.
 * @param {NetworkRow[]} networks
 * @returns {Curve[]}
 */
export const curvesOf = (networks) =>
  networks.flatMap(({ id, name, record }) => {
    const epochs = (record?.events ?? []).flatMap((each) =>
      each.event === "EpochDone" && each.validation_loss !== null ? [each] : [],
    );
    if (!record?.settings || !epochs.length) return [];
    // By its number, so that it keeps its colour when others are forgotten.
    const colour = facts.colours[Number(id.split("-").at(-1)) % facts.colours.length] ?? facts.colours[0];
    return [{ id, name, colour, batch: Number(record.settings.batch_size), epochs }];
  });

/** @type {(curve: Curve, measure: "loss" | "accuracy", unit: Unit) => Pair[]} */
export const pointsOf = ({ batch, epochs }, measure, unit) =>
  epochs.map(({ epoch, step, validation_loss, validation_accuracy }) => [
    unit === "epochs" ? epoch : step * batch,
    measure === "loss" ? Number(validation_loss) : validation_accuracy,
  ]);

/** @param {HTMLElement} element */
export const makeRuns = (element) => {
  const find = finder(element);
  /** @type {Curve[]} */
  let curves = [];
  /** @type {string[]} */
  let compared = [];
  /** @type {Unit} */
  let unit = "epochs";

  /** @param {Curve} curve */
  const isStrong = ({ id }) => compared.includes(id) || !curves.some((each) => compared.includes(each.id));

  /** @type {(canvas: HTMLCanvasElement, measure: "loss" | "accuracy") => void} */
  const drawChart = (canvas, measure) => {
    const width = around(canvas, "figure").clientWidth;
    if (!width || !curves.length) return;
    const context = fitCanvas(canvas, width, HEIGHT);
    const lines = curves.map((curve) => ({ ...curve, points: pointsOf(curve, measure, unit) }));
    const all = lines.flatMap(({ points }) => points);
    const values = all.map(([, value]) => value);
    const [least, most] = [Math.min(...values), Math.max(...values)];
    const room = Math.max(0.08 * (most - least), 0.005);
    /** @type {Pair} */
    const range = [Math.max(0, least - room), measure === "accuracy" ? Math.min(1, most + room) : most + room];
    /** @type {Pair} */
    const whole = [0, Math.max(...all.map(([x]) => x))];
    const [across, down] = [places(width), /** @type {Pair} */ ([MARGIN.top, HEIGHT - MARGIN.bottom])];
    const frame = {
      context,
      x: makeScale(whole, across).at,
      y: makeScale(range, [down[1], down[0]]).at,
      across,
      down,
    };
    const numbers = ticks(whole, Math.max(2, Math.floor(width / 80))).values.filter(Number.isInteger);
    drawAxes(frame, ticks(range, 5), numbers, unit === "epochs" ? "epochs" : "images");
    context.lineJoin = "round";
    // The two that are compared last: they are on top.
    for (const line of [...lines].sort((one, other) => Number(isStrong(one)) - Number(isStrong(other)))) {
      context.globalAlpha = isStrong(line) ? 1 : 0.5;
      context.lineWidth = isStrong(line) ? 3 : 1.5;
      context.strokeStyle = line.colour;
      drawLine(frame, line.points);
      for (const point of line.points) drawDot(frame, point, isStrong(line) ? 3.5 : 2, line.colour);
    }
    context.globalAlpha = 1;
  };

  /** @param {Curve} curve */
  const best = ({ epochs }) =>
    epochs.reduce((one, other) => (Number(other.validation_loss) < Number(one.validation_loss) ? other : one));

  const draw = () => {
    element.hidden = !curves.length;
    for (const measure of /** @type {("loss" | "accuracy")[]} */ (["loss", "accuracy"])) {
      const canvas = find(`[data-chart=${measure}]`, HTMLCanvasElement);
      drawChart(canvas, measure);
      canvas.setAttribute(
        "aria-label",
        `${measure} on held-out images, of ${curves.map(({ name }) => name).join(", ")}`,
      );
    }
    find(".legend").replaceChildren(
      ...curves.map((curve) => {
        const [item, swatch, name, figures] = ["li", "i", "b", "span"].map((tag) => document.createElement(tag));
        const { epoch, validation_loss, validation_accuracy } = best(curve);
        swatch.style.background = curve.colour;
        name.textContent = unbroken(curve.name);
        figures.textContent = `loss ${Number(validation_loss).toPrecision(3)}, accuracy ${(100 * validation_accuracy).toFixed(1)} %, epoch ${epoch}`;
        item.classList.toggle("strong", isStrong(curve));
        item.append(swatch, name, figures);
        return item;
      }),
    );
  };

  const choices = findAll(element, "[data-unit]");
  for (const choice of choices) {
    choice.addEventListener("click", () => {
      unit = /** @type {Unit} */ (choice.dataset.unit);
      choices.forEach((each) => each.setAttribute("aria-pressed", String(each === choice)));
      draw();
    });
  }
  new ResizeObserver(draw).observe(find(".charts"));
  on("theme", draw);

  /** @type {(networks: NetworkRow[], pair: string[]) => void} */
  return (networks, pair) => {
    [curves, compared] = [curvesOf(networks), pair];
    draw();
  };
};
