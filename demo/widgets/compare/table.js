// The table of networks: how each came about, how good it is, and what can be done with it.

/** @import { NetworkRow, RunSettings } from "../types.d.ts" */

import { finder } from "../shared/dom.js";
import { facts } from "../shared/facts.js";

/**
 * @typedef {object} Deeds
 * @property {(id: string) => void} answer
 * @property {(settings: RunSettings) => void} again
 * @property {(id: string, name: string) => void} rename
 * @property {(id: string) => void} forget
 */

/** @param {number} fraction */
const percent = (fraction) => `${(100 * fraction).toFixed(1)} %`;
/** @param {number} seconds */
const duration = (seconds) => (seconds < 90 ? `${Math.round(seconds)} s` : `${(seconds / 60).toFixed(1)} min`);
/** @param {RunSettings[string]} value */
const said = (value) => (typeof value === "boolean" ? (value ? "yes" : "no") : String(value));

/** @type {(tag: "td" | "th", text: string, scope?: "col" | "row") => HTMLTableCellElement} */
const cell = (tag, text, scope) => {
  const made = document.createElement(tag);
  made.textContent = text;
  if (scope) made.scope = scope;
  return made;
};

/**
 * @param {HTMLElement} element
 * @param {Deeds} deeds
 */
export const makeTable = (element, { answer, again, rename, forget }) => {
  const find = finder(element);
  const labels = new Map(facts.training.settings.map(({ name, label }) => [name, label]));

  /** @type {(text: string, label: string, deed: () => void) => HTMLButtonElement} */
  const button = (text, label, deed) => {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "quiet";
    made.textContent = text;
    made.setAttribute("aria-label", label);
    made.addEventListener("click", deed);
    return made;
  };

  /**
   * In place of the name, a field to type another one; Escape keeps the name.
   * @type {(place: HTMLElement, id: string, name: string) => void}
   */
  const askName = (place, id, name) => {
    const form = document.createElement("form");
    const input = Object.assign(document.createElement("input"), {
      type: "text",
      value: name,
      maxLength: facts.networkNameLength,
      ariaLabel: `New name of ${name}`,
    });
    let isDone = false;
    const close = () => {
      if (isDone) return;
      isDone = true;
      place.textContent = name;
    };
    form.append(input);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const wanted = input.value;
      close();
      if (wanted.trim() && wanted !== name) rename(id, wanted);
    });
    input.addEventListener("keydown", ({ key }) => key === "Escape" && close());
    input.addEventListener("blur", () => isDone || form.requestSubmit());
    place.replaceChildren(form);
    input.select();
  };

  /**
   * @param {NetworkRow[]} networks
   * @param {string} answering the id of the one that answers
   */
  return (networks, answering) => {
    const runs = networks.flatMap(({ record }) => record ?? []);
    // Of the settings, those that are not the same in all trainings.
    const shown = [...labels.keys()].filter(
      (name) => runs.length === 1 || new Set(runs.map(({ settings }) => settings[name])).size > 1,
    );
    const head = document.createElement("tr");
    const settings = runs.length ? ["Start", ...shown.map((name) => labels.get(name) ?? name)] : [];
    const isMore = runs.some(({ images }) => images !== facts.samples.count);
    const tested = runs.length ? [...(isMore ? ["All test images"] : []), "Sketches", "Time"] : [];
    head.append(
      ...["Network", "Layers", ...settings, isMore ? "These test images" : "Test images", ...tested].map((title) =>
        cell("th", title, "col"),
      ),
      cell("td", ""),
    );
    find(".networks thead").replaceChildren(head);
    find(".networks tbody").replaceChildren(
      ...networks.map(({ id, name, architecture, parameters, accuracy, record }) => {
        const row = document.createElement("tr");
        row.dataset.network = id;
        row.classList.toggle("answers", id === answering);
        const title = cell("th", name, "row");
        row.append(title, cell("td", `${architecture}, ${parameters.toLocaleString("en")} parameters`));
        if (runs.length) {
          row.append(cell("td", record ? (record.init_from ?? "random") : "shipped"));
          row.append(...shown.map((setting) => cell("td", record ? said(record.settings[setting]) : "–")));
        }
        row.append(cell("td", percent(accuracy)));
        if (runs.length) {
          const all = record && isMore ? [percent(record.accuracy)] : [];
          const figures = record ? [...all, percent(record.sketches), duration(record.seconds)] : [];
          row.append(...tested.map((_, i) => cell("td", figures[i] ?? "–")));
        }
        const deeds = cell("td", id === answering ? "answers now" : "");
        if (id !== answering) deeds.append(button("let it answer", `let ${name} answer`, () => answer(id)));
        if (record) {
          deeds.append(
            button("train again", `train again with the settings of ${name}`, () => again(record.settings)),
            button("rename", `rename ${name}`, () => askName(title, id, name)),
            button("forget", `forget ${name}`, () => forget(id)),
          );
        }
        row.append(deeds);
        return row;
      }),
    );
    find(".kept").textContent = runs.length
      ? `${isMore ? `“These test images” are the ${facts.samples.count.toLocaleString("en")} of this page. ` : ""}The server keeps your latest ${facts.networksKept} networks, for you alone, until it is restarted.`
      : "Those that you train will stand here beside them.";
  };
};
