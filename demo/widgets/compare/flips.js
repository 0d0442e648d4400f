// The test images by what two networks make of them: won by the second, lost by it, or wrong by both.

import { emit, on } from "../shared/bus.js";
import { finder, findAll } from "../shared/dom.js";
import { makeThumbnails, openMap } from "../shared/thumbnails.js";
import * as samples from "../shared/samples.js";

/** @typedef {"won" | "lost" | "neither"} Flip */

const WORDS = { won: "became right", lost: "became wrong", neither: "stay wrong" };

/** @param {HTMLElement} element */
export const makeFlips = (element) => {
  const find = finder(element);
  const showThumbnails = makeThumbnails(find(".thumbnails"), find(".more"));
  /** @type {Record<Flip, number[]>} */
  let flips = { won: [], lost: [], neither: [] };
  /** @type {Flip} */
  let chosen = "won";

  /** @param {HTMLElement} button */
  const flipOf = (button) => /** @type {Flip} */ (button.dataset.flip);
  const buttons = findAll(element, "[data-flip]");
  const show = () => {
    for (const button of buttons) {
      const flip = flipOf(button);
      button.setAttribute("aria-pressed", String(flip === chosen));
      button.textContent = `${flips[flip].length.toLocaleString("en")} ${WORDS[flip]}`;
    }
    find(".about").hidden = !flips[chosen].length;
    showThumbnails(flips[chosen]);
  };
  for (const button of buttons) {
    button.addEventListener("click", () => {
      chosen = flipOf(button);
      if (marked) emit("marked", []);
      show();
    });
  }
  const onMap = find(".onmap");
  /** @type {number[] | null} */
  let marked = null; // those that are marked on the map
  on("marked", (indices) => {
    onMap.textContent = indices === marked ? "Take the marks off the map" : "Show them on the map";
    if (indices !== marked) marked = null;
  });
  onMap.addEventListener("click", () => {
    if (marked) {
      emit("marked", []);
      return;
    }
    marked = flips[chosen];
    emit("marked", marked);
    openMap();
  });

  /** @type {(predictions: Uint8Array, others: Uint8Array) => void} */
  return (predictions, others) => {
    flips = { won: [], lost: [], neither: [] };
    predictions.forEach((prediction, index) => {
      const [was, is] = [prediction, others[index]].map((each) => each === samples.labels[index]);
      if (!(was && is)) flips[is ? "won" : was ? "lost" : "neither"].push(index);
    });
    show();
  };
};
