// The image that the pointer or the keyboard is at: what it is, in a tip beside it and in words, and the walk from one
// to the next.

/** @import { Marks } from "./marks.js" */
/** @import { Places } from "./places.js" */
/** @import { View } from "./view.js" */
/** @typedef {ReturnType<typeof makeHighlight>} Highlight */

import { around, finder } from "../shared/dom.js";
import { fitCanvas } from "../shared/drawing.js";
import { facts } from "../shared/facts.js";
import * as samples from "../shared/samples.js";

/**
 * @param {HTMLElement} element
 * @param {object} parts
 * @param {Marks} parts.marks
 * @param {Places} parts.places
 * @param {View} parts.view
 * @param {(index: number) => number} parts.predictionOf an image
 * @param {() => void} parts.changed
 */
export const makeHighlight = (element, { marks, places, view, predictionOf, changed }) => {
  const find = finder(element);
  const holder = around(element, "#map");
  const tip = find(".tip");
  let lit = -1; // none
  /** @type {number[]} */
  let route = []; // images that the keyboard walks through, and where on it is
  let step = -1;

  /** @param {number} index -1: none */
  const light = (index) => {
    if (index === lit || (index >= 0 && !places.isAtRest)) return;
    lit = index;
    tip.hidden = index < 0;
    holder.dataset.lit = index < 0 ? "" : String(index);
    if (index >= 0) {
      const [label, answer] = [samples.labels[index], predictionOf(index)];
      const isDark = true; // as the tip is, in both themes
      samples.draw(fitCanvas(find(".picture", HTMLCanvasElement), 84, 84), index, 0, 0, 84);
      find(".class").replaceChildren(marks.single(label, isDark), facts.classes[label]);
      find(".predicted").replaceChildren("prediction:", marks.single(answer, isDark), facts.classes[answer]);
      find(".number").textContent = `test image ${samples.numbers[index]}`;
    }
    changed();
  };

  // Beside the mark, wherever that is by now, and inside the map.
  const placeTip = () => {
    const [x, y] = view.toPage(places.of(lit));
    const [wide, high] = [tip.offsetWidth, tip.offsetHeight];
    const top = y > view.height / 2 ? y - 16 - high : y + 16;
    tip.style.left = `${Math.max(4, Math.min(view.width - wide - 4, x + 16))}px`;
    tip.style.top = `${Math.max(4, Math.min(view.height - high - 4, top))}px`;
  };

  const inWords = () => {
    const answer = predictionOf(lit);
    const isRight = answer === samples.labels[lit];
    return `${samples.title(lit)}, ${isRight ? "recognised" : `predicted as ${facts.classes[answer]}`}`;
  };

  // Through the images around the one that is lit, or around the middle, nearest first.
  /** @param {number} by */
  const walk = (by) => {
    if (!places.isAtRest) return;
    if (!route.length) {
      route = places.nearestFirst(marks.plain(), lit >= 0 ? places.of(lit) : view.middle);
      step = lit >= 0 ? 0 : -1;
    }
    if (!route.length) return;
    step = Math.max(0, Math.min(route.length - 1, step + by));
    const walked = route;
    const place = places.of(route[step]);
    if (!view.isInSight(place)) view.goTo(place); // which ends a walk, but not this one
    route = walked;
    light(route[step]);
    find(".spoken").textContent = inWords();
  };
  const endWalk = () => {
    route = [];
  };

  return {
    light,
    placeTip,
    inWords,
    walk,
    endWalk,
    get index() {
      return lit;
    },
  };
};
