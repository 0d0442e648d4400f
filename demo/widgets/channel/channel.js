// One channel of the open layer: its map, its weights, its top-activating images, the answer with it ablated, and in the first layer the
// sum behind each pixel.

/** @import { Channel, ChosenChannel, LayerRow, PixelSum, Servers } from "../types.d.ts" */

import { call, want } from "../shared/api.js";
import { bytes } from "../shared/base64.js";
import { emit, latest, on } from "../shared/bus.js";
import { around, bringIntoView, finder, showProblem, whenVisible } from "../shared/dom.js";
import { fitCanvas, mapOf, signedImage } from "../shared/drawing.js";
import { facts } from "../shared/facts.js";
import * as samples from "../shared/samples.js";
import { percent } from "../shared/text.js";
import { signedColours, themeColour } from "../shared/theme.js";

const LARGE_SIDE = 224; // CSS pixels
const THUMBNAIL = 64;
const CHANGES = 3; // classes whose change is told

/**
 * @param {HTMLElement} element
 * @param {Servers["channel"]} server
 */
export const mount = (element, server) => {
  const holder = around(element, "#channel");
  const find = finder(element);
  const large = find(".large", HTMLCanvasElement);
  /** @type {ChosenChannel | null} */
  let chosen = null;
  /** @type {ReturnType<typeof mapOf> | null} */
  let map = null; // of the current picture
  /** @type {[number, number] | null} */
  let pixel = null; // [row, column] of the value whose sum is shown
  let asking = false; // for what does not depend on the picture; one question at a time, the latest choice next
  /** @type {string | null} */
  let firstLayer = null; // when the sum behind its values can be shown
  /** @param {LayerRow[]} layers */
  const knowLayers = ([first]) => (firstLayer = first.hasSum ? first.name : null);
  knowLayers(latest("layers") ?? facts.layers);
  on("layers", knowLayers);

  /** @param {number} value */
  const number = (value) => value.toFixed(2).replace("-0.00", "0.00").replace("-", "−");

  // --- the map -------------------------------------------------------------------------------------------------

  const paintMap = () => {
    find(".range").textContent = map ? map.words : "";
    const isFirst = chosen?.layer === firstLayer;
    large.hidden = !map || map.isVector;
    find(".sum").hidden = !isFirst;
    if (!map || map.isVector) return;
    const context = fitCanvas(large, LARGE_SIDE, LARGE_SIDE);
    context.imageSmoothingEnabled = false;
    context.drawImage(signedImage(map.levels, map.width, map.height, signedColours(), 1), 0, 0, LARGE_SIDE, LARGE_SIDE);
    large.tabIndex = isFirst ? 0 : -1;
    large.setAttribute("role", isFirst ? "application" : "img");
    large.setAttribute("aria-label", isFirst ? "The map, large; arrow keys choose a pixel" : "The map, large");
    large.style.cursor = isFirst ? "crosshair" : "default";
    if (!isFirst || !pixel) return;
    const [wide, high] = [LARGE_SIDE / map.width, LARGE_SIDE / map.height];
    context.strokeStyle = themeColour("--color-accent");
    context.lineWidth = 2;
    context.strokeRect(pixel[1] * wide, pixel[0] * high, wide, high);
  };

  /** @type {(row: number, column: number) => void} */
  const choosePixel = (row, column) => {
    if (!map || chosen?.layer !== firstLayer) return;
    pixel = [Math.max(0, Math.min(map.height - 1, row)), Math.max(0, Math.min(map.width - 1, column))];
    ask();
    paintMap();
  };
  large.addEventListener("click", (event) => {
    if (!map) return;
    const [row, column] = [event.offsetY * map.height, event.offsetX * map.width];
    choosePixel(Math.floor(row / LARGE_SIDE), Math.floor(column / LARGE_SIDE));
  });
  large.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!step || !map || chosen?.layer !== firstLayer) return;
    event.preventDefault();
    const [row, column] = pixel ?? [map.height >> 1, map.width >> 1];
    choosePixel(row + step[0], column + step[1]);
  });

  // --- the sum behind a pixel ----------------------------------------------------------------------------------

  /** @type {(title: string, rows: number[][], colours: number[][]) => HTMLElement} */
  const gridOf = (title, rows, colours) => {
    const figure = document.createElement("figure");
    const caption = document.createElement("figcaption");
    caption.textContent = title;
    const table = document.createElement("table");
    const top = Math.max(1e-9, ...rows.flat().map(Math.abs));
    for (const values of rows) {
      const line = table.insertRow();
      for (const value of values) {
        const cell = line.insertCell();
        cell.textContent = number(value);
        const [red, green, blue] = colours[128 + Math.round((127 * value) / top)];
        cell.style.background = `rgb(${red},${green},${blue})`;
        cell.style.color = 0.3 * red + 0.6 * green + 0.1 * blue > 128 ? "#000" : "#fff";
      }
    }
    figure.append(caption, table);
    return figure;
  };

  const NO_SUM = find(".total").textContent;
  /** @type {PixelSum | null} */
  let sum = null; // as the server told it
  const clearSum = () => {
    sum = null;
    find(".where").textContent = "";
    find(".grids").replaceChildren();
    find(".total").textContent = NO_SUM;
    delete holder.dataset.sum;
  };
  const paintSum = () => {
    if (!sum) return;
    const {
      place: [, row, column],
      patch,
      kernel,
      bias,
      total,
    } = sum;
    const colours = signedColours();
    const products = patch.map((values, y) => values.map((value, x) => value * kernel[y][x]));
    find(".where").textContent = `(row ${row + 1}, column ${column + 1})`;
    find(".grids").replaceChildren(
      gridOf("what enters", patch, colours),
      gridOf("× kernel", kernel, colours),
      gridOf("= products", products, colours),
    );
    const and = bias ? ` ${bias < 0 ? "−" : "+"} ${number(Math.abs(bias))} (bias)` : "";
    const of = bias ? `${number(total - bias)}${and} = ` : "";
    find(".total").textContent = `All products together: ${of}${number(total)}. That is this pixel of the map.`;
    holder.dataset.sum = String(total);
  };

  // --- ablated -------------------------------------------------------------------------------------------------

  /** @type {(before: number[], after: number[]) => void} */
  const paintChanges = (before, after) => {
    const { classes } = facts;
    /** @param {number[]} probabilities */
    const best = (probabilities) => probabilities.indexOf(Math.max(...probabilities));
    const changes = before.map((fraction, label) => ({ label, size: Math.abs(after[label] - fraction) }));
    const [from, to] = [best(before), best(after)];
    find(".words").textContent =
      from !== to
        ? `Without it, the answer would be ${classes[to]}.`
        : changes.every(({ size }) => size < 0.005)
          ? "Without it, the answer is the same."
          : `Without it, it is still ${classes[to]}.`;
    find(".changes tbody").replaceChildren(
      ...changes
        .sort((a, b) => b.size - a.size)
        .slice(0, CHANGES)
        .map(({ label }) => {
          const line = document.createElement("tr");
          const [from, to] = [percent(before[label]), percent(after[label])];
          const texts = from === to ? [""] : [classes[label], from, "→", to]; // an empty line: nothing below may jump
          texts.forEach((text) => (line.insertCell().textContent = text));
          return line;
        }),
    );
    holder.dataset.without = after.map((fraction) => fraction.toFixed(4)).join();
  };

  // --- what does not depend on the picture ---------------------------------------------------------------------

  /** @param {Channel} channel */
  const paintWeights = ({ maker, weights, noWeights = "" }) => {
    const canvas = find(".weights", HTMLCanvasElement);
    canvas.hidden = !weights;
    if (!weights) {
      find(".made").textContent = noWeights;
      return;
    }
    const colours = signedColours();
    const levels = bytes(weights.values);
    const isVector = weights.shape.length === 1;
    const [count, height, width] = isVector ? [weights.shape[0], 1, 1] : weights.shape;
    const room = around(canvas, "section").clientWidth || LARGE_SIDE;
    const cell = isVector ? 12 : count === 1 ? 28 : width > 3 ? 8 : 6; // CSS pixels
    const gap = isVector ? 2 : 4;
    const columns = Math.min(count, Math.floor((room + gap) / (cell * width + gap)));
    const lines = Math.ceil(count / columns);
    const context = fitCanvas(canvas, columns * (cell * width + gap) - gap, lines * (cell * height + gap) - gap);
    const top = Math.max(...weights.tops);
    context.imageSmoothingEnabled = false;
    for (let i = 0; i < count; i++) {
      const [x, y] = [(i % columns) * (cell * width + gap), Math.floor(i / columns) * (cell * height + gap)];
      const fraction = isVector ? 1 : weights.tops[i] / top;
      const image = signedImage(levels.subarray(i * height * width), width, height, colours, fraction);
      context.drawImage(image, x, y, cell * width, cell * height);
    }
    const kernels =
      count === 1
        ? `Its kernel of ${height} × ${width}`
        : `Its ${count} kernels of ${height} × ${width}, one for each map that goes into ${maker}`;
    find(".made").textContent =
      `${isVector ? `Its ${count} weights in ${maker}, one for each number that goes in` : kernels}. ` +
      (isVector
        ? "Orange: a large number there counts for it; blue: against it."
        : "Orange: wants it bright there; blue: dark.");
    canvas.setAttribute("aria-label", find(".made").textContent);
  };

  /** @param {Channel["top"]} top */
  const paintTop = (top) => {
    const active = top.filter(({ value }) => value > 0);
    find(".none").hidden = active.length > 0;
    find(".top").replaceChildren(
      ...active.map(({ index, value, box: [left, top, right, bottom] }) => {
        const button = samples.button(index, THUMBNAIL);
        const frame = document.createElement("i");
        /** @param {number} pixels */
        const px = (pixels) => `${(THUMBNAIL / samples.SIZE) * pixels}px`;
        frame.style.cssText = `left: ${px(left)}; top: ${px(top)}; width: ${px(right - left)}; height: ${px(bottom - top)}`;
        const strength = document.createElement("span");
        strength.textContent = number(value);
        button.append(frame, strength);
        button.title += `: ${number(value)}`;
        return button;
      }),
    );
  };

  /** @type {Channel | null} */
  let known = null; // its weights and top-activating images, once they have come
  const load = async () => {
    known = null;
    element.classList.add("unknown");
    find(".top").replaceChildren();
    find(".problem").hidden = find(".none").hidden = true;
    element.classList.add("loading");
    const about = chosen;
    if (asking || !about) return;
    asking = true;
    const reply = await call(server.channel, { layer: about.layer, channel: about.channel });
    asking = false;
    if (!chosen) return;
    if (about !== chosen) {
      load();
      return;
    }
    element.classList.remove("loading");
    showProblem(element, reply.error);
    if (reply.error !== undefined) return;
    known = reply;
    element.classList.remove("unknown");
    paintWeights(known);
    paintTop(known.top);
    holder.dataset.channel = `${reply.layer} ${reply.channel}`;
  };

  // --- events --------------------------------------------------------------------------------------------------

  let visible = false;
  const ask = () => {
    want("channel", visible && chosen ? [chosen.layer, chosen.channel] : null);
    want("pixel", visible && chosen?.layer === firstLayer && pixel ? [chosen.channel, ...pixel] : null);
  };

  on("channel", (choice) => {
    const isOtherLayer = choice?.layer !== chosen?.layer;
    chosen = choice;
    find(".hint").hidden = Boolean(chosen);
    find(".about").hidden = !chosen;
    delete holder.dataset.channel;
    if (isOtherLayer || !chosen) pixel = null;
    clearPicture();
    if (chosen) {
      find("h4").textContent = `${chosen.layer}, ${chosen.channel + 1} of ${chosen.count}`;
      load();
    }
    ask();
  });
  // What was said about a picture that is no longer there.
  const clearPicture = () => {
    map = null;
    clearSum();
    find(".words").textContent = "";
    find(".changes tbody").replaceChildren();
    delete holder.dataset.without;
    paintMap();
  };
  on("answer", (answer) => {
    if (answer.empty !== undefined) return clearPicture();
    if (!chosen || answer.maps?.layer !== chosen.layer) return;
    map = mapOf(answer.maps, chosen.channel);
    paintMap();
    if (answer.channel?.layer === chosen.layer && answer.channel.channel === chosen.channel) {
      paintChanges(answer.probabilities, answer.channel.probabilities);
    }
    if (answer.pixel?.place.join() === [chosen.channel, ...(pixel ?? [])].join()) {
      sum = answer.pixel;
      paintSum();
    }
  });
  on("theme", () => {
    paintMap();
    paintSum();
    if (chosen && known) paintWeights(known);
  });
  // On a narrow page it is below all maps.
  on("showchannel", () => bringIntoView(element));
  find(".close").addEventListener("click", () => emit("closechannel"));
  whenVisible(around(element, "#inside"), (isVisible) => {
    visible = isVisible;
    ask();
  });
};
