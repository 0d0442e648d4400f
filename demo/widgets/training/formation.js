// How the map forms: the snapshots of a training, as they come and played back. Points travel from one to the next.

/** @import { Servers, SnapshotTaken } from "../types.d.ts" */

import { call } from "../shared/api.js";
import { makeBars } from "../shared/bars.js";
import { bytes } from "../shared/base64.js";
import { isCalm, finder, findAll, saveFile, showProblem } from "../shared/dom.js";
import { fitCanvas } from "../shared/drawing.js";
import { facts } from "../shared/facts.js";
import { percent, unbroken } from "../shared/text.js";
import { themeColour } from "../shared/theme.js";
import { drawTiles } from "../shared/tiles.js";

const REACH = 2.1; // from the middle to the edge of the map, in root mean square distances of the images
const RADIUS = 3; // of a mark, in CSS pixels
const COMING = 2.5; // snapshots a second, while they come
const KERNEL = 30; // CSS pixels
const KERNELS_WIDTH = 200; // CSS pixels
const MAX_KERNELS = 32;

/**
 * @typedef {object} Moment
 * @property {SnapshotTaken} taken
 * @property {Int16Array} coordinates
 * @property {Uint8Array} labels
 */

/**
 * @param {HTMLElement} element
 * @param {Servers["training"]} server
 */
export const makeFormation = (element, server) => {
  const find = finder(element);
  const map = find(".forming canvas", HTMLCanvasElement);
  const kernels = find(".kernels canvas", HTMLCanvasElement);
  const slider = find(".player input", HTMLInputElement);
  const playButton = find(".play", HTMLButtonElement);
  const speed = find(".player select", HTMLSelectElement);
  const showBars = makeBars(find(".own ol"));

  /** @type {Moment[]} */
  let moments = [];
  let position = 0; // in moments; between two of them the points are on their way
  let isPlaying = false;
  let isComing = false; // the training goes on, and the latest moment is shown
  let frame = 0; // that is asked for; 0: none
  let before = 0; // milliseconds, when the last frame was drawn

  /** @type {(view: string) => boolean} */
  const isShown = (view) => find(`[data-view=${view}]`).getAttribute("aria-pressed") === "true";

  // --- one moment ------------------------------------------------------------------------------------------------

  const drawMap = () => {
    const width = find(".forming").clientWidth;
    if (!width || !isShown("forming")) return;
    const side = Math.min(width, 440);
    const context = fitCanvas(map, side, side);
    const index = Math.min(Math.floor(position), moments.length - 1);
    const [one, other] = [moments[index], moments[Math.min(index + 1, moments.length - 1)]];
    const along = position - index;
    const eased = along * along * (3 - 2 * along); // starts and ends slowly
    /** @type {(from: number, to: number) => number} */
    const between = (from, to) => from + eased * (to - from);
    /** @param {number} value */
    const x = (value) => (side / 2) * (1 + value / REACH);
    /** @param {number} value */
    const y = (value) => (side / 2) * (1 - value / REACH);
    // By colour, so that each is set once.
    for (let label = 0; label < facts.colours.length; label++) {
      context.fillStyle = facts.colours[label];
      context.beginPath();
      for (let i = 0; i < one.labels.length; i++) {
        if (one.labels[i] !== label) continue;
        const [left, top] = [
          x(between(one.coordinates[2 * i], other.coordinates[2 * i]) / 1000),
          y(between(one.coordinates[2 * i + 1], other.coordinates[2 * i + 1]) / 1000),
        ];
        context.moveTo(left + RADIUS, top);
        context.arc(left, top, RADIUS, 0, 2 * Math.PI);
      }
      context.fill();
    }
    if (one.taken.place && other.taken.place) {
      const [from, to] = [one.taken.place, other.taken.place];
      context.strokeStyle = themeColour("--body-text-color");
      context.lineWidth = 2.5;
      context.beginPath();
      context.arc(x(between(from[0], to[0])), y(between(from[1], to[1])), 9, 0, 2 * Math.PI);
      context.stroke();
    }
  };

  /** @type {(moment: Moment) => void} */
  const drawOwn = ({ taken }) => {
    const { probabilities } = taken;
    find(".own").hidden = probabilities === null || !isShown("own");
    if (probabilities === null) return;
    const best = probabilities.indexOf(Math.max(...probabilities));
    find(".own figcaption").textContent = `Your picture: ${facts.classes[best]}, ${percent(probabilities[best])}`;
    showBars(probabilities);
  };

  /** @type {(moment: Moment) => void} */
  const drawKernels = ({ taken }) => {
    find(".kernels").hidden = !taken.kernels || !isShown("kernels");
    if (!taken.kernels || !isShown("kernels")) return;
    const count = Math.min(taken.kernels.shape[0], MAX_KERNELS);
    drawTiles(kernels, taken.kernels, { tile: KERNEL, room: KERNELS_WIDTH, most: MAX_KERNELS });
    kernels.setAttribute("aria-label", `${count} kernels after step ${taken.step}`);
  };

  const drawMoving = () => {
    drawMap();
    slider.value = String(position);
  };
  const draw = () => {
    if (!moments.length) return;
    find(".forming").hidden = !isShown("forming");
    drawMoving();
    const nearest = moments[Math.round(position)];
    const { step, accuracy } = nearest.taken;
    drawOwn(nearest);
    drawKernels(nearest);
    const words = `step ${step.toLocaleString("en")}: ${percent(accuracy)} of these right`;
    find(".player output").textContent = words;
    slider.setAttribute("aria-valuetext", words);
    map.setAttribute("aria-label", `Map of ${nearest.labels.length} test images after ${words}`);
  };

  // --- as time goes by -------------------------------------------------------------------------------------------

  const showPlayer = () => {
    const last = moments.length - 1;
    slider.max = String(Math.max(0, last));
    playButton.disabled = last < 1;
    playButton.textContent = isPlaying ? "❚❚" : "▶";
    playButton.setAttribute("aria-label", isPlaying ? "Pause" : "Play");
  };

  /** @param {number} now */
  const advance = (now) => {
    frame = 0;
    const last = moments.length - 1;
    const seconds = Math.max(0, Math.min(0.1, (now - before) / 1000)); // a frame can have begun before it was asked for
    before = now;
    const rate = isPlaying ? Number(speed.value) : Math.max(COMING, last - position); // catches up with what comes
    const nearest = Math.round(position);
    position = Math.min(last, position + rate * seconds);
    if (position === last) isPlaying = false;
    if (Math.round(position) === nearest) drawMoving();
    else draw();
    showPlayer();
    if (isPlaying || (isComing && position < last)) ask();
  };
  const ask = () => {
    if (!frame) frame = requestAnimationFrame(advance);
  };
  const start = () => {
    before = performance.now();
    ask();
  };
  const toggle = () => {
    isPlaying = !isPlaying;
    isComing = false;
    if (isPlaying && position >= moments.length - 1) position = 0;
    showPlayer();
    if (isPlaying) start();
  };

  /** @param {number} place in moments, at which to stay */
  const goTo = (place) => {
    [position, isPlaying, isComing] = [place, false, false];
    draw();
    showPlayer();
  };

  playButton.addEventListener("click", toggle);
  slider.addEventListener("input", () => goTo(slider.valueAsNumber));
  slider.addEventListener("keydown", (event) => {
    const steps = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (event.key === " ") toggle();
    // From moment to moment, not by hundredths.
    else if (steps) goTo(Math.max(0, Math.min(moments.length - 1, Math.round(position) + steps)));
    else return;
    event.preventDefault();
  });
  for (const button of findAll(element, "[data-view]")) {
    button.addEventListener("click", () => {
      button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
      draw();
    });
  }
  for (const button of findAll(element, "[data-format]")) {
    button.addEventListener("click", async () => {
      const format = button.dataset.format ?? "";
      showProblem(element);
      button.toggleAttribute("disabled", true);
      const reply = await call(server.animation, { format });
      button.toggleAttribute("disabled", false);
      if (reply.error !== undefined) return showProblem(element, reply.error);
      saveFile(new Blob([bytes(reply.file)], { type: reply.type }), `embedding.${format.toLowerCase()}`);
    });
  }
  facts.classes.forEach((name, label) => {
    const [entry, dot] = [document.createElement("li"), document.createElement("i")];
    dot.style.background = facts.colours[label];
    entry.append(dot, unbroken(name));
    find(".legend").append(entry);
  });
  new ResizeObserver(draw).observe(find(".stage"));

  return {
    /**
     * One more moment.
     * @param {SnapshotTaken} taken
     * @param {boolean} isPast of a training that had ended when the page was opened
     */
    add: (taken, isPast) => {
      const coordinates = new Int16Array(bytes(taken.coordinates).buffer);
      moments.push({ taken, coordinates, labels: bytes(taken.labels) });
      element.hidden = false;
      if (moments.length === 1) isComing = true;
      showPlayer();
      if (isPast || isCalm()) {
        if (isComing) position = moments.length - 1;
        draw();
      } else if (isComing) start();
      else draw();
    },
    clear: () => {
      cancelAnimationFrame(frame);
      frame = 0;
      [moments, position, isPlaying, isComing] = [[], 0, false, false];
      element.hidden = true;
      showProblem(element);
      showPlayer();
    },
    draw,
  };
};
