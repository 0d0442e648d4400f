// The marks of the map: a shape for each class besides its colour, alone for the legend and by thousands on the map.

/** @import { Colours, Pair } from "../types.d.ts" */
/** @import { View } from "./view.js" */
/** @typedef {ReturnType<typeof makeMarks>} Marks */

import { contextOf, fitCanvas, offPage } from "../shared/drawing.js";
import { facts } from "../shared/facts.js";

/**
 * @param {HTMLCanvasElement} canvas
 * @param {View} view
 */
export const makeMarks = (canvas, view) => {
  const classColours = facts.colours;
  /** @type {(x: number, y: number) => Pair[]} */
  const bar = (x, y) => [
    [-x, -y],
    [x, -y],
    [x, y],
    [-x, y],
  ];
  /** @type {(corners: Pair[], turn: number) => Pair[]} */
  const turned = (corners, turn) =>
    corners.map(([x, y]) => [x * Math.cos(turn) - y * Math.sin(turn), x * Math.sin(turn) + y * Math.cos(turn)]);
  /** @type {Pair[]} */
  const arm = [
    [-0.36, -1.1],
    [0.36, -1.1],
    [0.36, -0.36],
  ];
  const plus = [0, 1, 2, 3].flatMap((quarter) => turned(arm, (quarter * Math.PI) / 2));
  const star = Array.from({ length: 10 }, (_, i) => turned([[0, i % 2 ? -0.55 : -1.3]], (i * Math.PI) / 5)[0]);
  /**
   * In the order of the classes, as corners around the middle; null is a circle.
   * @type {(Pair[] | null)[]}
   */
  const SHAPES = [
    null,
    bar(0.5, 1.15),
    bar(0.85, 0.85),
    [
      [0, -1.15],
      [1.1, 0.85],
      [-1.1, 0.85],
    ],
    [
      [0, -1.25],
      [1.05, 0],
      [0, 1.25],
      [-1.05, 0],
    ],
    turned(plus, Math.PI / 4),
    plus,
    bar(1.15, 0.5),
    [
      [0, 1.15],
      [1.1, -0.85],
      [-1.1, -0.85],
    ],
    star,
  ];

  // --- one mark ------------------------------------------------------------------------------------------------------

  /** @type {(context: CanvasRenderingContext2D, label: number, x: number, y: number, radius: number) => void} */
  const trace = (context, label, x, y, radius) => {
    const corners = SHAPES[label];
    context.beginPath();
    if (corners === null) context.arc(x, y, 0.95 * radius, 0, 2 * Math.PI);
    else corners.forEach(([dx, dy]) => context.lineTo(x + radius * dx, y + radius * dy));
    context.closePath();
  };

  /** @type {(one: ArrayLike<number>, other: ArrayLike<number>, fraction: number) => string} */
  const mixed = (one, other, fraction) =>
    `rgb(${Array.from(one, (level, c) => Math.round(level + fraction * (other[c] - level))).join()})`;
  const probe = offPage(1, 1, { willReadFrequently: true });
  /** @param {string} colour */
  const rgb = (colour) => {
    probe.fillStyle = colour;
    probe.fillRect(0, 0, 1, 1);
    return probe.getImageData(0, 0, 1, 1).data.slice(0, 3);
  };

  /**
   * The pale colours would be lost on white and the deep ones on black: each has an edge that stands out.
   * @param {CanvasRenderingContext2D} context
   * @param {number} label
   * @param {number} x
   * @param {number} y
   * @param {number} radius
   * @param {boolean} isDark
   */
  const paintOne = (context, label, x, y, radius, isDark) => {
    trace(context, label, x, y, radius);
    context.fillStyle = classColours[label];
    context.fill();
    context.strokeStyle = mixed(rgb(classColours[label]), isDark ? [255, 255, 255] : [0, 0, 0], 0.45);
    context.stroke();
  };

  /**
   * The mark of a class as a canvas of its own, to stand beside its name.
   * @param {number} label
   * @param {boolean} isDark
   */
  const single = (label, isDark) => {
    const small = document.createElement("canvas");
    paintOne(fitCanvas(small, 16, 16), label, 8, 8, 5.5, isDark);
    return small;
  };

  // --- all marks -----------------------------------------------------------------------------------------------------

  /**
   * A mark as the pixels that it consists of.
   * @typedef {object} Stamp
   * @property {number} side of the square around it
   * @property {Int32Array} inside how far on each pixel is, in the image, from the one in the corner
   * @property {Uint32Array} colours of these
   * @property {Int32Array} edge likewise the pixels that it covers in part
   * @property {Uint8Array} levels of these: red, green, blue and the fraction
   */

  // Each mark painted once for its size, the plain ones and then the faded ones: to copy their pixels by hand takes a
  // third of the time of drawImage, and 10,000 marks travel smoothly.
  /** @type {Stamp[]} */
  let stamps = [];
  let stampsAre = "";
  /** @type {(radius: number, ratio: number, imageWidth: number, look: Colours) => void} */
  const makeStamps = (radius, ratio, imageWidth, { isDark, background, subdued }) => {
    const are = [radius, ratio, imageWidth, isDark].join();
    if (are === stampsAre) return;
    const side = 2 * Math.ceil(1.4 * radius * ratio + ratio);
    stamps = [...SHAPES.keys(), ...SHAPES.keys()].map((label, i) => {
      const context = offPage(side, side, { willReadFrequently: true });
      context.lineWidth = ratio * Math.min(1, radius / 4);
      if (i < SHAPES.length) {
        paintOne(context, label, side / 2, side / 2, radius * ratio, isDark);
      } else {
        trace(context, label, side / 2, side / 2, 0.8 * radius * ratio);
        context.fillStyle = mixed(rgb(background), rgb(subdued), 0.3);
        context.fill();
      }
      const { data } = context.getImageData(0, 0, side, side);
      const all = Array.from({ length: side * side }, (_, pixel) => pixel);
      const inside = all.filter((pixel) => data[4 * pixel + 3] === 255);
      const edge = all.filter((pixel) => data[4 * pixel + 3] > 0 && data[4 * pixel + 3] < 255);
      /** @param {number[]} list */
      const steps = (list) => Int32Array.from(list, (pixel) => Math.floor(pixel / side) * imageWidth + (pixel % side));
      const colours = new Uint32Array(data.buffer);
      return {
        side,
        inside: steps(inside),
        colours: Uint32Array.from(inside, (pixel) => colours[pixel]),
        edge: steps(edge),
        levels: Uint8Array.from(edge.flatMap((pixel) => [...data.subarray(4 * pixel, 4 * pixel + 4)])),
      };
    });
    stampsAre = are;
  };
  /** @type {(stamp: Stamp, data: Uint8ClampedArray, pixels: Uint32Array, corner: number) => void} */
  const putStamp = ({ inside, colours, edge, levels }, data, pixels, corner) => {
    for (let i = 0; i < inside.length; i++) pixels[corner + inside[i]] = colours[i];
    for (let i = 0; i < edge.length; i++) {
      const to = 4 * (corner + edge[i]);
      const fraction = levels[4 * i + 3] / 255;
      for (let c = 0; c < 3; c++) data[to + c] += fraction * (levels[4 * i + c] - data[to + c]);
    }
  };

  // Which of the stamps each image has: that of its label, plain or faded.
  let stampOf = new Uint8Array(0);
  /** @type {(labels: Uint8Array, fades: (index: number) => boolean) => void} */
  const style = (labels, fades) => {
    stampOf = Uint8Array.from(labels, (label, index) => (fades(index) ? label + SHAPES.length : label));
  };
  /** @param {number} index */
  const isFaded = (index) => stampOf[index] >= SHAPES.length;
  const plain = () => Array.from(stampOf.keys()).filter((index) => !isFaded(index));

  const context = contextOf(canvas, { willReadFrequently: true });
  /** @type {ImageData | null} */
  let image = null; // the pixels of the canvas

  /**
   * @param {Float32Array} places of all images, x and y in turns
   * @param {Colours} look
   */
  const paint = (places, look) => {
    const ratio = window.devicePixelRatio || 1;
    const count = places.length / 2;
    const radius = (view.width < 500 ? 3.2 : 4) * (count > 4000 ? 0.75 : 1) * Math.min(2, view.zoom ** 0.35);
    if (view.fit(canvas) || !image) image = new ImageData(canvas.width, canvas.height);
    makeStamps(Math.round(4 * radius) / 4, ratio, image.width, look);
    const pixels = new Uint32Array(image.data.buffer);
    image.data.set([...rgb(look.background), 255]);
    pixels.fill(pixels[0]);
    const [{ side }] = stamps;
    const [across, up] = view.scale().map((length) => length * ratio);
    const [left, top] = view.toPage([0, 0]).map((length) => length * ratio - side / 2);
    for (const faded of [true, false]) {
      for (let i = 0; i < count; i++) {
        if (isFaded(i) !== faded) continue;
        const [x, y] = [Math.round(left + places[2 * i] * across), Math.round(top - places[2 * i + 1] * up)];
        if (x < 0 || y < 0 || x + side > image.width || y + side > image.height) continue; // cut by the frame
        putStamp(stamps[stampOf[i]], image.data, pixels, y * image.width + x);
      }
    }
    context.putImageData(image, 0, 0);
  };

  return { single, style, isFaded, plain, paint };
};
