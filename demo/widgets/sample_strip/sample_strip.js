// Ten test samples, one of each class, a click away.

import { finder } from "../shared/dom.js";
import { facts } from "../shared/facts.js";
import * as samples from "../shared/samples.js";

/** @param {HTMLElement} element */
export const mount = (element) => {
  const find = finder(element);
  /** @type {number[][]} */
  const byClass = facts.classes.map(() => []);
  samples.labels.forEach((label, index) => byClass[label].push(index));
  let round = 0;
  const fill = () => {
    find(".row").replaceChildren(...byClass.map((members) => samples.button(members[round % members.length], 48)));
    round += 1;
  };
  find(".quiet").addEventListener("click", fill);
  fill();
};
