// A list of test images as thumbnails, of which so many are shown at a time; and the way to them on the map.

import { emit } from "./bus.js";
import { bringIntoView } from "./dom.js";
import * as samples from "./samples.js";

const PORTION = 60; // thumbnails that are added at a time
const SIDE = 48;

/**
 * @param {HTMLElement} list
 * @param {HTMLElement} more the button that shows more of them
 */
export const makeThumbnails = (list, more) => {
  /** @type {number[]} */
  let images = [];
  let shown = 0;
  const add = () => {
    list.append(...images.slice(shown, shown + PORTION).map((index) => samples.button(index, SIDE)));
    shown = Math.min(shown + PORTION, images.length);
    more.hidden = shown === images.length;
    more.textContent = `show more (${(images.length - shown).toLocaleString("en")} left)`;
  };
  more.addEventListener("click", () => {
    const first = list.children[shown - 1];
    add();
    const next = first.nextElementSibling; // the button itself may be gone
    if (next instanceof HTMLElement) next.focus();
  });
  /** @param {number[]} indices places on the sheet */
  return (indices) => {
    images = indices;
    shown = 0;
    list.replaceChildren();
    add();
  };
};

/** The tab of the map is opened, and brought into view. */
export const openMap = () => {
  emit("tab", "map");
  arrive();
};

// The button is gone with its tab: the tab of the map gets the focus, as soon as it is open.
const arrive = () => {
  /** @type {HTMLElement | null} */
  const map = document.querySelector("#map");
  if (!map?.offsetParent) {
    requestAnimationFrame(arrive);
    return;
  }
  /** @type {HTMLElement | null} */
  const tab = document.querySelector("#tabs [role=tab][aria-selected=true]"); // on a phone it may be in a menu
  tab?.focus({ preventScroll: true });
  bringIntoView(map);
};
