// The maps of a layer side by side, small: to be looked at, not chosen from.

/** @import { Levels } from "../types.d.ts" */

import { fitCanvas, mapOf, signedImage } from "./drawing.js";
import { signedColours } from "./theme.js";

const GAP = 3; // CSS pixels

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Levels} levels
 * @param {object} size
 * @param {number} size.tile side of a map, in CSS pixels
 * @param {number} size.room width that there is, in CSS pixels
 * @param {number} size.most maps, of those that there are
 */
export const drawTiles = (canvas, levels, { tile, room, most }) => {
  const count = Math.min(levels.shape[0], most);
  const columns = Math.max(1, Math.min(count, Math.floor((room + GAP) / (tile + GAP))));
  const rows = Math.ceil(count / columns);
  const context = fitCanvas(canvas, columns * (tile + GAP) - GAP, rows * (tile + GAP) - GAP);
  context.imageSmoothingEnabled = false;
  const colours = signedColours();
  const highest = Math.max(...levels.tops);
  for (let i = 0; i < count; i++) {
    const { levels: values, width, height, top } = mapOf(levels, i);
    const [left, above] = [(i % columns) * (tile + GAP), Math.floor(i / columns) * (tile + GAP)];
    context.drawImage(signedImage(values, width, height, colours, highest && top / highest), left, above, tile, tile);
  }
};
