// Below the answer: when it is wrong, the visitor says what the picture is, and it joins those to be taught.

/** @import { Answer, OpenAnswer } from "../types.d.ts" */

import { emit, latest, on } from "../shared/bus.js";
import { finder } from "../shared/dom.js";
import { facts } from "../shared/facts.js";
import * as lesson from "../shared/lesson.js";

/** @param {HTMLElement} element */
export const mount = (element) => {
  const find = finder(element);
  find("form").hidden = !facts.training.isOpen; // else there is nothing to be corrected for
  const select = find("select", HTMLSelectElement);
  const button = find("button", HTMLButtonElement);
  const said = find(".said");
  select.append(...facts.classes.map((name, label) => new Option(name, String(label))));
  /** @type {OpenAnswer | null} */
  let reading = null;
  let pixels = ""; // of the picture that the choice is about

  /** @param {Answer | undefined} answer */
  const take = (answer) => {
    reading = answer && answer.empty === undefined ? answer : null;
    select.disabled = button.disabled = !reading;
    if (!reading || reading.pixels === pixels) return; // another network has answered: what was chosen stays
    pixels = reading.pixels;
    select.value = String(reading.probabilities.indexOf(Math.max(...reading.probabilities)));
    said.replaceChildren();
  };
  on("answer", take);
  take(latest("answer"));

  find("form", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    if (!reading) return;
    const { pixels, kind } = reading;
    const others = lesson.all().filter((each) => each.pixels !== pixels);
    if (others.length === facts.lessonPictures) {
      said.textContent = `There is room for ${facts.lessonPictures} pictures: remove some first.`;
      return;
    }
    lesson.use([...others, { pixels, kind, label: Number(select.value) }]);
    const open = document.createElement("button");
    open.type = "button";
    open.className = "quiet";
    open.textContent = "teach the network";
    open.addEventListener("click", () => emit("tab", "teach"));
    const count = others.length + 1;
    said.replaceChildren(`Added as ${facts.classes[Number(select.value)]}: ${count} to `, open, ".");
  });
};
