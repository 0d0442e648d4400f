// From values to places on an axis and back; which of them are marked; and zooming.

/** @import { Pair } from "../types.d.ts" */
/** @typedef {ReturnType<typeof makeScale>} Scale */

const NICE = [1, 2, 5, 10];

/**
 * An axis that shows values from low to high at the places from start to end (CSS pixels).
 * @param {Pair} range low and high; above zero if it is logarithmic
 * @param {Pair} places start and end
 * @param {boolean} [isLog]
 */
export const makeScale = ([low, high], [start, end], isLog = false) => {
  const [bend, unbend] = isLog ? [Math.log, Math.exp] : [Number, Number];
  const [first, span] = [bend(low), bend(high) - bend(low)];
  return {
    /** @param {number} value */
    at: (value) => start + ((end - start) * (bend(value) - first)) / span,
    /** @param {number} place */
    back: (place) => unbend(first + (span * (place - start)) / (end - start)),
  };
};

/**
 * The least of 1, 2 and 5 times a power of ten that goes into a span at most so many times.
 * @param {number} span
 * @param {number} count
 */
export const niceStep = (span, count) => {
  const power = 10 ** Math.floor(Math.log10(span / count));
  return power * (NICE.find((nice) => nice * power * count >= span * (1 - 1e-9)) ?? 10);
};

/**
 * Round values from low to high, evenly spaced, and how many decimals they need.
 * @param {Pair} range
 * @param {number} count at most so many steps from the first to the last
 */
export const ticks = ([low, high], count) => {
  const step = niceStep(high - low, count);
  const values = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) values.push(i * step + 0); // no −0
  return { values, decimals: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
};

/**
 * 1, 2 and 5 times the powers of ten from low to high; only the powers where these would be too many, and evenly spaced
 * values where they would be too few.
 * @param {Pair} range above zero
 * @param {number} count at most so many
 */
export const logTicks = ([low, high], count) => {
  const values = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
    for (const nice of [1, 2, 5]) {
      const value = Number(`${nice}e${power}`);
      if (value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9)) values.push(value);
    }
  }
  if (values.length < 3) return ticks([low, high], count);
  const shown = values.length <= count ? values : values.filter((value) => Number.isInteger(Math.log10(value)));
  return { values: shown, decimals: Math.max(0, -Math.floor(Math.log10(shown[0]) + 1e-9)) };
};

/**
 * Zooms a range by a factor so that what is at a place stays there, as far as its limits allow.
 * @type {(scale: Scale, places: Pair, factor: number, place: number, limits: Pair) => Pair}
 */
export const zoomed = (scale, [start, end], factor, place, limits) =>
  within([scale.back(place - (place - start) / factor), scale.back(place + (end - place) / factor)], limits);

/**
 * Moves a range by so many pixels, as far as its limits allow.
 * @type {(scale: Scale, places: Pair, pixels: number, limits: Pair) => Pair}
 */
export const moved = (scale, [start, end], pixels, limits) => {
  const least = Math.min(0, scale.at(limits[0]) - start);
  const most = Math.max(0, scale.at(limits[1]) - end);
  const by = Math.max(least, Math.min(most, pixels));
  return [scale.back(start + by), scale.back(end + by)];
};

/**
 * A range inside its limits.
 * @type {(range: Pair, limits: Pair) => Pair}
 */
export const within = ([from, to], [first, last]) => [Math.max(first, from), Math.min(last, to)];
