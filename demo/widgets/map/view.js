// The part of the map that is in sight: how far it is zoomed and what lies in its middle. From places to CSS pixels of
// the page, counted from the map's upper left corner, and back.

/** @import { Pair } from "../types.d.ts" */
/** @typedef {ReturnType<typeof makeView>} View */

import { fitCanvas } from "../shared/drawing.js";

const MARGIN = 22; // CSS pixels between the outermost marks and the frame
const MAX_ZOOM = 40;

/** @param {() => void} changed */
export const makeView = (changed) => {
  let [width, height] = [0, 0]; // of the frame, in CSS pixels
  let now = { zoom: 1, x: 0.5, y: 0.5 }; // x and y: the place in the middle
  /** @type {(least: number, most: number, value: number) => number} */
  const within = (least, most, value) => Math.max(least, Math.min(most, value));

  /**
   * CSS pixels from 0 to 1, across and up.
   * @type {() => Pair}
   */
  const scale = () => [now.zoom * (width - 2 * MARGIN), now.zoom * (height - 2 * MARGIN)];
  /** @type {(place: Pair) => Pair} */
  const toPage = ([x, y]) => {
    const [across, up] = scale();
    return [width / 2 + (x - now.x) * across, height / 2 - (y - now.y) * up];
  };
  /** @type {(point: Pair) => Pair} */
  const toPlace = ([left, top]) => {
    const [across, up] = scale();
    return [now.x + (left - width / 2) / across, now.y - (top - height / 2) / up];
  };
  /** @param {Pair} place */
  const isInSight = (place) => {
    const [left, top] = toPage(place);
    return left >= 0 && top >= 0 && left <= width && top <= height;
  };

  /**
   * Brings a place into the middle, as far as the map's edges allow; tells whether that shows another part of it.
   * @type {(place: Pair, zoom?: number) => boolean}
   */
  const goTo = ([x, y], zoom = now.zoom) => {
    const before = now;
    zoom = within(1, MAX_ZOOM, zoom);
    const edge = 0.5 / zoom;
    now = { zoom, x: within(edge, 1 - edge, x), y: within(edge, 1 - edge, y) };
    if (now.zoom === before.zoom && now.x === before.x && now.y === before.y) return false;
    changed();
    return true;
  };
  /**
   * What is at that point of the page stays there.
   * @type {(factor: number, point?: Pair) => boolean}
   */
  const zoomBy = (factor, point = [width / 2, height / 2]) => {
    const zoom = within(1, MAX_ZOOM, now.zoom * factor);
    const [x, y] = toPlace(point);
    const fraction = now.zoom / zoom;
    return goTo([x + (now.x - x) * fraction, y + (now.y - y) * fraction], zoom);
  };
  /** @type {(left: number, top: number) => boolean} */
  const moveBy = (left, top) => {
    const [across, up] = scale();
    return goTo([now.x - left / across, now.y + top / up]);
  };
  const showAll = () => goTo([0.5, 0.5], 1);

  /** @type {(wide: number, high: number) => void} */
  const resize = (wide, high) => {
    [width, height] = [wide, high];
  };
  /**
   * Makes a canvas as large as the map, if it is not; tells whether it was not, and is empty now.
   * @param {HTMLCanvasElement} canvas
   */
  const fit = (canvas) => {
    const ratio = window.devicePixelRatio || 1;
    if (canvas.width === Math.round(width * ratio) && canvas.height === Math.round(height * ratio)) return false;
    fitCanvas(canvas, width, height);
    return true;
  };

  return {
    scale,
    toPage,
    toPlace,
    isInSight,
    goTo,
    zoomBy,
    moveBy,
    showAll,
    resize,
    fit,
    get width() {
      return width;
    },
    get height() {
      return height;
    },
    get zoom() {
      return now.zoom;
    },
    /** @returns {Pair} */
    get middle() {
      return [now.x, now.y];
    },
    get isWhole() {
      return now.zoom === 1;
    },
    get isClosest() {
      return now.zoom === MAX_ZOOM;
    },
  };
};
