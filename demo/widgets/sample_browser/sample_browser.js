// The test samples, page by page, each with its label and its number in the data set; a click makes one the current
// picture.

import { finder } from "../shared/dom.js";
import { facts } from "../shared/facts.js";
import * as samples from "../shared/samples.js";

const PER_PAGE = 40;

/** @param {HTMLElement} element */
export const mount = (element) => {
  const find = finder(element);
  const select = find("select", HTMLSelectElement);
  ["all classes", ...facts.classes].forEach((name, index) => select.append(new Option(name, String(index - 1))));
  let page = 0;

  const show = () => {
    const label = Number(select.value);
    const shipped = Array.from({ length: facts.samples.count }, (_, index) => index);
    const members = shipped.filter((index) => label < 0 || samples.labels[index] === label);
    const pages = Math.ceil(members.length / PER_PAGE);
    page = (page + pages) % pages;
    find(".page").textContent = `page ${page + 1} of ${pages}`;
    find(".cards").replaceChildren(
      ...members.slice(page * PER_PAGE, (page + 1) * PER_PAGE).map((index) => {
        const card = document.createElement("li");
        const name = document.createElement("span");
        const number = document.createElement("span");
        name.textContent = samples.name(index);
        number.textContent = `no. ${samples.numbers[index]}`;
        number.className = "number";
        card.append(samples.button(index, 84), name, number);
        return card;
      }),
    );
  };
  /** @param {number} by */
  const turn = (by) => {
    page += by;
    show();
  };
  select.addEventListener("change", () => {
    page = 0;
    show();
  });
  find(".previous").addEventListener("click", () => turn(-1));
  find(".next").addEventListener("click", () => turn(1));
  show();
};
