// A card to keep or to send: the picture, what the network sees of it, and the answer, as a PNG file made in the browser.
// It is light in both themes: it leaves the page.

/** @import { Reading } from "../types.d.ts" */

import { bytes } from "../shared/base64.js";
import { on } from "../shared/bus.js";
import { finder, saveFile } from "../shared/dom.js";
import { greyImage, offPage } from "../shared/drawing.js";
import { facts } from "../shared/facts.js";
import { percent } from "../shared/text.js";

const [WIDTH, HEIGHT] = [1200, 630]; // pixels, the shape in which links are shown elsewhere
const MARGIN = 56;
const PICTURE = 424; // side of the picture
const PIXELS = 224; // side of the network's view: 8 for each of its pixels
const BARS = 5; // the best answers
const INK = {
  text: "#1e2330",
  subdued: "#5b6478",
  accent: "#4f46e5",
  bar: "#a3a9b8",
  track: "#eceef2",
  line: "#d6d9e0",
};

/** @param {HTMLElement} element */
export const mount = (element) => {
  const save = finder(element)("button", HTMLButtonElement);
  /** @type {Reading | null} */
  let answer = null; // the latest, while there is one
  on("answer", (latest) => {
    answer = latest.empty === undefined ? latest : null;
    save.disabled = !answer;
  });

  /** @param {Reading} answer */
  const draw = (answer) => {
    const context = offPage(WIDTH, HEIGHT);
    /**
     * @param {string} text
     * @param {number} x
     * @param {number} y
     * @param {number} size
     * @param {{ weight?: number, colour?: string, align?: CanvasTextAlign, room?: number }} [style]
     */
    const write = (text, x, y, size, { weight = 400, colour = INK.text, align = "left", room = WIDTH } = {}) => {
      context.fillStyle = colour;
      context.textAlign = align;
      context.font = `${weight} ${size}px system-ui, "Segoe UI", Roboto, sans-serif`;
      context.fillText(text, x, y, room); // squeezed rather than cut off
    };
    /** @type {(x: number, y: number, side: number) => void} */
    const frame = (x, y, side) => {
      context.strokeStyle = INK.line;
      context.lineWidth = 2;
      context.strokeRect(x - 1, y - 1, side + 2, side + 2);
    };
    /** @type {(x: number, y: number, width: number, height: number, colour: string) => void} */
    const round = (x, y, width, height, colour) => {
      context.fillStyle = colour;
      context.beginPath();
      context.roundRect(x, y, width, height, height / 3);
      context.fill();
    };
    context.fillStyle = "#ffffff";
    context.fillRect(0, 0, WIDTH, HEIGHT);

    context.imageSmoothingQuality = "high";
    context.drawImage(finder(document)("#pad canvas", HTMLCanvasElement), MARGIN, MARGIN, PICTURE, PICTURE);
    frame(MARGIN, MARGIN, PICTURE);

    const left = MARGIN + PICTURE + 48;
    const room = WIDTH - MARGIN - left;
    write(answer.words, left, 96, 46, { weight: 680, room });
    write(answer.note ?? "", left, 136, 21, { colour: INK.accent, room });

    const top = MARGIN + PICTURE - PIXELS - 34; // its caption ends level with the picture
    context.imageSmoothingEnabled = false;
    context.drawImage(greyImage(bytes(answer.pixels)), left, top, PIXELS, PIXELS);
    write(`what it sees: ${facts.size} × ${facts.size}`, left, MARGIN + PICTURE, 20, { colour: INK.subdued });

    const best = [...answer.probabilities.keys()].sort((a, b) => answer.probabilities[b] - answer.probabilities[a]);
    const start = left + PIXELS + 36;
    const [end, step] = [WIDTH - MARGIN, 52];
    best.slice(0, BARS).forEach((label, place) => {
      const y = top + place * step;
      const isBest = place === 0;
      const style = isBest ? { weight: 650 } : { colour: INK.subdued };
      write(facts.classes[label], start, y + 16, 20, style);
      write(percent(answer.probabilities[label]), end, y + 16, 20, { ...style, align: "right" });
      round(start, y + 25, end - start, 14, INK.track);
      const length = answer.probabilities[label] * (end - start);
      if (length >= 1) round(start, y + 25, length, 14, isBest ? INK.accent : INK.bar);
    });

    const foot = HEIGHT - MARGIN;
    context.fillStyle = INK.line;
    context.fillRect(MARGIN, foot - 50, WIDTH - 2 * MARGIN, 1);
    write("Fashion-MNIST: draw it, see it recognised", MARGIN, foot, 22, { weight: 600 });
    const shipped = facts.networks.find(({ id }) => id === answer.network);
    const network = shipped ? `the network “${shipped.name}”` : "a network that I trained myself";
    write(`Answered by ${network}`, end, foot, 20, { colour: INK.subdued, align: "right" });
    return context.canvas;
  };

  save.addEventListener("click", () => {
    if (!answer) return;
    const name = facts.classes[answer.probabilities.indexOf(Math.max(...answer.probabilities))];
    draw(answer).toBlob((file) => {
      if (file) saveFile(file, `${name.toLowerCase().replaceAll(/[^a-z]+/g, "-")}.png`);
    }, "image/png");
  });
};
