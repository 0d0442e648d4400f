// The probabilities of the classes as bars, in the order of the classes: they do not jump about; the best is in colour.

import { facts } from "./facts.js";
import { percent } from "./text.js";

/**
 * Puts a row for each class into a list: its name, a bar, and a percentage.
 * @param {HTMLElement} list
 */
export const makeBars = (list) => {
  const rows = facts.classes.map((name) => {
    const row = document.createElement("li");
    const [label, track, bar, number] = ["span", "span", "i", "b"].map((tag) => document.createElement(tag));
    label.textContent = name;
    track.className = "track";
    track.append(bar);
    row.append(label, track, number);
    list.append(row);
    return { row, bar, number };
  });
  /** @param {number[] | null} probabilities null: there are none */
  return (probabilities) => {
    const best = probabilities ? probabilities.indexOf(Math.max(...probabilities)) : -1;
    rows.forEach(({ row, bar, number }, index) => {
      const fraction = probabilities ? probabilities[index] : 0;
      row.classList.toggle("best", index === best);
      bar.style.transform = `scaleX(${fraction})`;
      number.textContent = probabilities ? percent(fraction) : "–";
    });
  };
};
