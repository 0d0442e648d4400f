// The accuracy of two networks on the images of each class.

import { facts } from "../shared/facts.js";
import { unbroken } from "../shared/text.js";

/** @param {number} fraction */
const percent = (fraction) => `${(100 * fraction).toFixed(1)}`;

/** @param {HTMLElement} body of the table */
export const makeClasses =
  (body) =>
  /** @param {([number, number] | null)[]} perClass null: a class without images */
  (perClass) => {
    body.replaceChildren(
      ...facts.classes.map((name, label) => {
        const row = document.createElement("tr");
        const title = document.createElement("th");
        title.scope = "row";
        title.textContent = unbroken(name);
        const pair = perClass[label];
        const change = pair ? pair[1] - pair[0] : 0;
        const sign = change > 0 ? "+" : change < 0 ? "−" : "";
        const texts = pair ? [...pair.map(percent), `${sign}${percent(Math.abs(change))}`] : ["–", "–", "–"];
        row.append(
          title,
          ...texts.map((text, i) => {
            const cell = document.createElement("td");
            cell.textContent = text;
            cell.classList.toggle("better", (i === 0 && change < 0) || (i === 1 && change > 0));
            return cell;
          }),
        );
        return row;
      }),
    );
  };
