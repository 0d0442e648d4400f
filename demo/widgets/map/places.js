// Where the marks are now: on their way from one layout to another, or at rest; then they are found by their place.

/** @import { Pair } from "../types.d.ts" */
/** @typedef {ReturnType<typeof makePlaces>} Places */

const TRAVEL = 600; // milliseconds from one layout to another
const REACH = 12; // CSS pixels from the pointer to the mark that it is about
const CELLS = 64; // squares along each side of the grid in which marks are looked up

export const makePlaces = () => {
  let list = new Float32Array(0);
  let journey = 0; // counts ways begun, so that a new one ends the one before

  /** @type {(index: number) => Pair} */
  const of = (index) => [list[2 * index], list[2 * index + 1]];

  // Marks by the square of a grid that they lie in: the pointer is compared with the few around it.
  let cellStarts = new Uint32Array(CELLS * CELLS + 1);
  /** @type {Uint32Array | null} */
  let inCells = null; // null: they are on their way
  /** @param {number} fraction */
  const cell = (fraction) => Math.max(0, Math.min(CELLS - 1, Math.floor(fraction * CELLS)));
  /** @param {number} index */
  const cellOf = (index) => cell(list[2 * index + 1]) * CELLS + cell(list[2 * index]);
  const fillCells = () => {
    const count = list.length / 2;
    cellStarts = new Uint32Array(CELLS * CELLS + 1);
    inCells = new Uint32Array(count);
    for (let i = 0; i < count; i++) cellStarts[cellOf(i) + 1]++;
    for (let c = 0; c < CELLS * CELLS; c++) cellStarts[c + 1] += cellStarts[c];
    const next = cellStarts.slice();
    for (let i = 0; i < count; i++) inCells[next[cellOf(i)]++] = i;
  };

  /**
   * The image at a place, or -1.
   * @param {Pair} place
   * @param {Pair} scale CSS pixels from 0 to 1, across and up
   * @param {(index: number) => boolean} isLeftOut
   */
  const nearest = ([x, y], [across, up], isLeftOut) => {
    if (!inCells) return -1;
    let [best, shortest] = [-1, REACH ** 2];
    for (let row = cell(y - REACH / up); row <= cell(y + REACH / up); row++) {
      const [from, to] = [cell(x - REACH / across), cell(x + REACH / across)].map((column) => row * CELLS + column);
      for (let i = cellStarts[from]; i < cellStarts[to + 1]; i++) {
        const index = inCells[i];
        const distance = ((list[2 * index] - x) * across) ** 2 + ((list[2 * index + 1] - y) * up) ** 2;
        if (distance < shortest && !isLeftOut(index)) [best, shortest] = [index, distance];
      }
    }
    return best;
  };

  /** @type {(indices: number[], place: Pair) => number[]} */
  const nearestFirst = (indices, [x, y]) => {
    /** @param {number} index */
    const far = (index) => (list[2 * index] - x) ** 2 + (list[2 * index + 1] - y) ** 2;
    return indices.sort((a, b) => far(a) - far(b));
  };

  /**
   * The marks go from where they are to where they belong; new ones are there at once.
   * @param {Float32Array} goal
   * @param {boolean} isSudden
   * @param {(fraction: number, isThere: boolean) => void} moved hears each time what fraction of the way they have gone, and at
   *   the end that they are there
   */
  const travel = (goal, isSudden, moved) => {
    const mine = ++journey;
    const from = goal.slice();
    if (list.length) from.set(list.subarray(0, goal.length));
    else isSudden = true;
    const began = performance.now();
    list = from.slice();
    inCells = null;
    /** @param {number} now */
    const move = (now) => {
      if (mine !== journey) return;
      const fraction = isSudden ? 1 : Math.max(0, Math.min(1, (now - began) / TRAVEL));
      const eased = fraction < 0.5 ? 4 * fraction ** 3 : 1 - 4 * (1 - fraction) ** 3;
      const isThere = fraction === 1;
      for (let i = 0; i < goal.length; i++) list[i] = from[i] + eased * (goal[i] - from[i]);
      if (isThere) {
        list.set(goal);
        fillCells();
      } else {
        requestAnimationFrame(move);
      }
      moved(eased, isThere);
    };
    move(began);
  };

  return {
    of,
    nearest,
    nearestFirst,
    travel,
    get list() {
      return list;
    },
    get count() {
      return list.length / 2;
    },
    get isAtRest() {
      return inCells !== null;
    },
  };
};
