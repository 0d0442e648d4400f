// A line of fewer points that looks the same.

/** @import { Pair } from "../types.d.ts" */

/**
 * Of the points in one column of pixels the first, the highest, the lowest and the last: no peak is lost.
 * @param {Pair[]} points from left to right, in pixels
 */
export const thin = (points) => {
  /** @type {Pair[]} */
  const kept = [];
  for (let first = 0, next; first < points.length; first = next) {
    let [low, high] = [first, first];
    for (next = first; next < points.length && Math.floor(points[next][0]) === Math.floor(points[first][0]); next++) {
      if (points[next][1] < points[low][1]) low = next;
      if (points[next][1] > points[high][1]) high = next;
    }
    const ends = new Set([first, next - 1, low, high]);
    kept.push(...[...ends].sort((one, other) => one - other).map((i) => points[i]));
  }
  return kept;
};
