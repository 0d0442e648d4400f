// Why this answer: which places of the current picture speak for a class. It takes the server longer than an answer, so it
// is asked for apart, when the hand rests.

/** @import { Answer, Reading, Reasons, Servers } from "../types.d.ts" */

import { call } from "../shared/api.js";
import { bytes } from "../shared/base64.js";
import { latest, on } from "../shared/bus.js";
import { around, finder, showProblem, whenVisible } from "../shared/dom.js";
import { fitCanvas, offPage } from "../shared/drawing.js";
import { facts } from "../shared/facts.js";
import { SIZE } from "../shared/samples.js";
import { unbroken } from "../shared/text.js";

const SIDE = 280; // CSS pixels of each picture: ten for each of the network's
const REST = 120; // milliseconds without a new answer
const DIM = 0.55; // brightness of the picture under the colours
const [AGAINST, FOR] = [
  [90, 170, 255],
  [255, 160, 60],
]; // blue and orange on the black ground of both themes

/**
 * @param {HTMLElement} element
 * @param {Servers["why"]} server
 */
export const mount = (element, server) => {
  const holder = around(element, "#why");
  const find = finder(element);
  const select = find("select", HTMLSelectElement);
  /** @type {Reading | null} */
  let current = null; // the latest answer, unless the pad is empty
  /** @type {(Reasons & { answer: Reading, asked: string }) | null} */
  let reasons = null; // as they are painted, and the answer and the label that they were asked for
  let isVisible = false;
  const [gradCam, occlusion] = [find(".grad-cam", HTMLCanvasElement), find(".occlusion", HTMLCanvasElement)];

  for (const [label, name] of facts.classes.entries()) {
    select.append(new Option(name, String(label)));
  }

  /**
   * The picture, grey and dim, under the colours of values -1..1.
   * @param {HTMLCanvasElement} canvas
   * @param {Uint8Array} pixels
   * @param {ArrayLike<number>} values
   */
  const paintOver = (canvas, pixels, values) => {
    const image = new ImageData(SIZE, SIZE);
    for (let i = 0; i < SIZE ** 2; i++) {
      const strength = Math.min(1, Math.abs(values[i]));
      const colour = (values[i] < 0 ? AGAINST : FOR).map(
        (fraction) => (1 - 0.8 * strength) * DIM * pixels[i] + 0.8 * strength * fraction,
      );
      image.data.set([...colour, 255], 4 * i);
    }
    const small = offPage(SIZE, SIZE);
    small.putImageData(image, 0, 0);
    const context = fitCanvas(canvas, SIDE, SIDE);
    context.imageSmoothingEnabled = false;
    context.drawImage(small.canvas, 0, 0, SIDE, SIDE);
  };

  /** @param {number} fraction */
  const points = (fraction) =>
    `${Math.round(100 * Math.abs(fraction))} point${Math.round(100 * Math.abs(fraction)) === 1 ? "" : "s"}`;

  const paint = () => {
    if (!reasons) {
      for (const canvas of [gradCam, occlusion])
        paintOver(canvas, new Uint8Array(SIZE ** 2), new Float32Array(SIZE ** 2));
      find(".looks").textContent = find(".needs").textContent = "\u00a0";
      for (const canvas of [gradCam, occlusion]) canvas.setAttribute("aria-label", "No picture");
      holder.dataset.label = "";
      return;
    }
    const name = unbroken(facts.classes[reasons.label]);
    const pixels = bytes(reasons.answer.pixels);
    const heat = Array.from(bytes(reasons.grad_cam ?? ""), (level) => level / 255);
    paintOver(gradCam, pixels, reasons.grad_cam === null ? new Float32Array(SIZE ** 2) : heat);
    find(".looks").textContent = heat.some((value) => value > 0)
      ? `Orange: here the last maps speak for ${name}.`
      : reasons.grad_cam === null
        ? "This network has no maps that could show where it looks."
        : `Nothing in the last maps speaks for ${name}.`;
    const cost = hiding(reasons);
    const [most, least] = [Math.max(...cost), Math.min(...cost)];
    paintOver(
      occlusion,
      pixels,
      cost.map((value) => value / Math.max(0.02, most, -least)),
    );
    const changes = [
      most >= 0.01 && `Orange: hidden here, ${name} loses up to ${points(most)}.`,
      least <= -0.01 && `Blue: hidden here, ${name} gains up to ${points(least)}.`,
    ].filter(Boolean);
    find(".needs").textContent = changes.join(" ") || `Hiding any one part changes ${name} by less than a point.`;
    gradCam.setAttribute("aria-label", find(".looks").textContent);
    occlusion.setAttribute("aria-label", find(".needs").textContent);
    holder.dataset.label = String(reasons.label);
  };

  /**
   * Probability that each place costs the class when it is hidden.
   * @param {Reasons} reasons
   */
  const hiding = ({ occlusion }) => {
    const {
      tops: [top],
      values,
    } = occlusion;
    return Array.from(bytes(values), (level) => ((level - 128) / 127) * top);
  };

  occlusion.addEventListener("pointermove", (event) => {
    if (!reasons) return;
    const [x, y] = [event.offsetX, event.offsetY].map((place) =>
      Math.max(0, Math.min(SIZE - 1, Math.floor((SIZE * place) / SIDE))),
    );
    const value = hiding(reasons)[SIZE * y + x];
    const name = unbroken(facts.classes[reasons.label]);
    find(".needs").textContent =
      Math.abs(value) < 0.005
        ? `Hidden here, ${name} stays as probable.`
        : `Hidden here, ${name} ${value > 0 ? "loses" : "gains"} ${points(value)}.`;
  });
  occlusion.addEventListener("pointerleave", paint);

  // --- asking: one question at a time, about the latest picture ------------------------------------------------

  let asking = false;
  let timer = 0;
  const rest = () => {
    clearTimeout(timer);
    timer = setTimeout(ask, REST);
  };
  const ask = async () => {
    const [answer, label] = [current, select.value];
    if (asking || !isVisible || !answer || (reasons?.answer === answer && reasons.asked === label)) return;
    asking = true;
    const reply = await call(server.reasons, { pixels: answer.pixels, label: label ? Number(label) : null });
    asking = false;
    showProblem(element, reply.error);
    if (label !== select.value) return ask();
    if (answer !== current) return rest();
    reasons = reply.error !== undefined ? null : { ...reply, answer, asked: label };
    paint();
  };

  /** @param {Answer} answer */
  const hear = (answer) => {
    clearTimeout(timer);
    current = answer.empty === undefined ? answer : null;
    if (current) {
      rest();
    } else {
      reasons = null;
      paint();
    }
  };
  on("answer", hear);
  select.addEventListener("change", ask);
  whenVisible(element, (visible) => {
    isVisible = visible;
    ask();
  });
  paint();
  hear(latest("answer") ?? { empty: "nothing yet" });
};
