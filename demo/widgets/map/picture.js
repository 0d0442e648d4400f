// The current picture among the test images: its place, on its way when the layout changes, the trail of its last
// places, and the images most like it.

/** @import { Answer, Layout, Near, Pair, Reading } from "../types.d.ts" */
/** @import { ImagePoints } from "./points.js" */

import * as samples from "../shared/samples.js";

const TRAIL = 40; // last places that are remembered

/**
 * @param {HTMLElement} row for the images most like it
 * @param {ImagePoints["framed"]} framed
 * @param {(index: number) => void} light
 */
export const makePicture = (row, framed, light) => {
  /** @type {Reading | null} */
  let you = null; // the answer about it; null while it has no place
  /** @type {Layout} */
  let layout = "pca";
  /** @type {{ place: Pair, fraction: number } | null} */
  let start = null; // where it began to travel, and the fraction of the way that it has made; null while it is at rest
  /** @type {Pair[]} */
  let trail = []; // the latest last

  /** @param {number} fraction */
  const inside = (fraction) => Math.max(-0.015, Math.min(1.015, fraction));
  /**
   * Where it belongs; outside the map: at its edge.
   * @returns {Pair | null}
   */
  const goal = () => {
    const place = framed(layout, you?.coordinates?.[layout]);
    return place && [inside(place[0]), inside(place[1])];
  };
  /** @returns {Pair | null} */
  const place = () => {
    const end = goal();
    if (!end || !start) return end;
    const { place: from, fraction } = start;
    return [from[0] + fraction * (end[0] - from[0]), from[1] + fraction * (end[1] - from[1])];
  };

  /** @param {Near} near */
  const card = ({ index, distance }) => {
    const item = document.createElement("li");
    const [name, far] = [document.createElement("span"), document.createElement("span")];
    const button = samples.button(index, 56);
    name.textContent = samples.name(index);
    far.textContent = distance < 100 ? distance.toPrecision(3) : distance.toFixed(0);
    far.className = "distance";
    for (const event of ["pointerenter", "focus"]) button.addEventListener(event, () => light(index));
    for (const event of ["pointerleave", "blur"]) button.addEventListener(event, () => light(-1));
    item.append(button, name, far);
    return item;
  };

  /** @param {Answer} answer */
  const take = (answer) => {
    const reading = answer.empty === undefined && answer.coordinates ? answer : null;
    const isAnother = reading?.kind === "sample" || reading?.kind !== you?.kind;
    you = reading;
    if (!you || isAnother) trail = [];
    // Made again only when they change: a button that has the focus keeps it.
    const nearest = JSON.stringify(you?.nearest ?? []);
    if (row.dataset.nearest !== nearest) {
      const hadFocus = row.contains(document.activeElement);
      row.replaceChildren(...(you?.nearest ?? []).map(card));
      if (hadFocus) row.querySelector("button")?.focus({ preventScroll: true });
    }
    row.dataset.nearest = nearest;
    const now = !start && place();
    if (now) trail = [...trail, now].slice(-TRAIL);
  };

  // The way to another layout.
  /** @param {Layout} name */
  const depart = (name) => {
    const from = place();
    layout = name;
    trail = [];
    start = from && goal() ? { place: from, fraction: 0 } : null;
  };
  /** @type {(fraction: number, isThere: boolean) => void} */
  const travelled = (fraction, isThere) => {
    if (start) start.fraction = fraction;
    if (!isThere) return;
    start = null;
    const end = place();
    if (end) trail = [end];
  };

  return {
    take,
    depart,
    travelled,
    place,
    get trail() {
      return trail;
    },
    get alike() {
      return (you?.nearest ?? []).map(({ index }) => index);
    },
  };
};
