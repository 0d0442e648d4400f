// The 28x28 pixels that the network sees of the current picture, and what it was detected as: the visitor may know better.

/** @import { Answer, Box } from "../types.d.ts" */

import { want } from "../shared/api.js";
import { bytes } from "../shared/base64.js";
import { emit, latest, on } from "../shared/bus.js";
import { finder } from "../shared/dom.js";
import { contextOf, greyImage } from "../shared/drawing.js";
import { facts } from "../shared/facts.js";
import { unbroken } from "../shared/text.js";
import { themeColour } from "../shared/theme.js";

const STEP_SIDE = 128; // of each small picture

/** @param {HTMLElement} element */
export const mount = (element) => {
  const find = finder(element);
  const canvas = find(".pixels", HTMLCanvasElement);
  const context = contextOf(canvas);
  const select = find("select", HTMLSelectElement);
  const again = find("button");
  canvas.width = canvas.height = facts.size;
  for (const [kind, words] of Object.entries(facts.kinds)) {
    select.append(new Option(words.split(":")[0], kind));
  }
  /** @param {Answer | undefined} answer */
  const paint = (answer) => {
    const reading = answer?.empty === undefined ? answer : undefined;
    const [kind, overruled] = [reading?.kind ?? "", answer?.overruled ?? false];
    select.value = kind;
    select.disabled = !kind || (kind === "sample" && !overruled);
    again.hidden = !overruled;
    const steps = kind ? facts.kinds[kind].split(": ")[1] : "";
    find(".how").textContent = steps && `${steps[0].toUpperCase()}${steps.slice(1)}.`;
    context.fillRect(0, 0, facts.size, facts.size);
    if (reading) context.drawImage(greyImage(bytes(reading.pixels)), 0, 0);
  };

  // --- step by step: while one draws, the server works it out only when this is open ---------------------------

  const details = find("details", HTMLDetailsElement);
  const said = find(".said");
  const [found, cropped, naive] = ["found", "cropped", "naive"].map((name) => {
    const step = find(`canvas.${name}`, HTMLCanvasElement);
    step.width = step.height = STEP_SIDE;
    return contextOf(step);
  });
  let painted = 0; // of the latest answer: a picture that is decoded late is not painted over a newer one

  /**
   * The part of an image between the places (0..1) of a box, in the middle of a black square, as large as fits.
   * @param {CanvasRenderingContext2D} context
   * @param {HTMLImageElement | HTMLCanvasElement} image
   * @param {Box} [box]
   */
  const fit = (context, image, [left, top, right, bottom] = [0, 0, 1, 1]) => {
    const [width, height] = [(right - left) * image.width, (bottom - top) * image.height];
    const scale = STEP_SIDE / Math.max(width, height);
    const [x, y] = [(STEP_SIDE - width * scale) / 2, (STEP_SIDE - height * scale) / 2];
    context.fillStyle = "#000";
    context.fillRect(0, 0, STEP_SIDE, STEP_SIDE);
    context.drawImage(
      image,
      left * image.width,
      top * image.height,
      width,
      height,
      x,
      y,
      width * scale,
      height * scale,
    );
    return { x, y, width: width * scale, height: height * scale };
  };

  /** @param {Answer | undefined} answer */
  const paintSteps = async (answer) => {
    const mine = ++painted;
    const reading = answer?.empty === undefined ? answer : undefined;
    const { found: garment, box, naive: small } = reading?.steps ?? {};
    if (!garment || !box || !small) {
      [found, cropped, naive].forEach((context) => context.clearRect(0, 0, STEP_SIDE, STEP_SIDE));
      said.textContent = reading?.kind === "sample" ? "An image of the data set needs no preparation." : "";
      return;
    }
    const image = new Image();
    image.src = `data:image/png;base64,${garment}`;
    await image.decode();
    if (mine !== painted) return;
    const [left, top, right, bottom] = box;
    const at = fit(found, image);
    found.strokeStyle = themeColour("--color-accent");
    found.lineWidth = 2;
    found.strokeRect(
      at.x + left * at.width,
      at.y + top * at.height,
      (right - left) * at.width,
      (bottom - top) * at.height,
    );
    fit(cropped, image, box);
    naive.imageSmoothingEnabled = false;
    fit(naive, greyImage(bytes(small.pixels)));
    said.textContent = unbroken(
      small.words === reading?.words
        ? `Only made grey and resized, it would be the same: “${small.words}”.`
        : `Only made grey and resized, it would be: “${small.words}”.`,
    );
  };
  details.addEventListener("toggle", () => {
    if (details.open) paintSteps(latest("answer")); // those of an earlier picture may still be there
    want("steps", details.open || null);
  });
  on("answer", (answer) => details.open && paintSteps(answer));

  select.addEventListener("change", () => emit("kind", select.value));
  again.addEventListener("click", () => {
    emit("kind", null);
    select.focus(); // the button goes
  });
  paint(undefined);
  on("answer", paint);
};
