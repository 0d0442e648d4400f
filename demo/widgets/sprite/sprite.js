// The training images in one picture, and how many of them there are.

import { finder } from "../shared/dom.js";
import { facts } from "../shared/facts.js";

/** @param {HTMLElement} element */
export const mount = (element) => {
  const find = finder(element);
  find("p").textContent = facts.data;
  find("img", HTMLImageElement).src = facts.sprite;
};
