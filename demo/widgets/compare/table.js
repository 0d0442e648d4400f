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
    const trainings = runs.flatMap(({ settings }) => settings ?? []);
    // Of the settings, those that are not the same in all trainings.
    const shown = [...labels.keys()].filter(
      (name) => trainings.length === 1 || new Set(trainings.map((each) => each[name])).size > 1,
    );
    const head = document.createElement("tr");
    const isAnyOwn = networks.some(({ own }) => own);
    const settings = isAnyOwn ? ["Start", ...shown.map((name) => labels.get(name) ?? name)] : [];
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
      ...networks.map(({ id, name, architecture, parameters, accuracy, own, record }) => {
        const row = document.createElement("tr");
        row.dataset.network = id;
        row.classList.toggle("answers", id === answering);
        const title = cell("th", name, "row");
        row.append(title, cell("td", `${architecture}, ${parameters.toLocaleString("en")} parameters`));
        if (isAnyOwn) {
          const start = record ? (record.init_from ?? "random") : own ? "uploaded" : "shipped";
          row.append(cell("td", record?.pictures ? `${start}, taught ${record.pictures}` : start));
          row.append(...shown.map((setting) => cell("td", record?.settings ? said(record.settings[setting]) : "–")));
        }
        row.append(cell("td", percent(accuracy)));
        if (runs.length) {
          const all = record && isMore ? [percent(record.accuracy)] : [];
          const figures = record
            ? [...all, record.sketches === null ? "–" : percent(record.sketches), duration(record.seconds)]
            : [];
          row.append(...tested.map((_, i) => cell("td", figures[i] ?? "–")));
        }
        const deeds = cell("td", id === answering ? "answers now" : "");
        if (id !== answering) deeds.append(button("let it answer", `let ${name} answer`, () => answer(id)));
        const settings = record?.settings;
        if (settings)
          deeds.append(button("train again", `train again with the settings of ${name}`, () => again(settings)));
        if (own) {
          deeds.append(
            button("rename", `rename ${name}`, () => askName(title, id, name)),
            button("forget", `forget ${name}`, () => forget(id)),
          );
        }
        row.append(deeds);
        return row;
      }),
    );
    find(".kept").textContent = isAnyOwn
      ? `${isMore ? `“These test images” are the ${facts.samples.count.toLocaleString("en")} of this page. ` : ""}The server keeps your latest ${facts.networksKept} networks, for you alone, until it is restarted.`
      : "Those that you train or upload will stand here beside them.";
  };
};
