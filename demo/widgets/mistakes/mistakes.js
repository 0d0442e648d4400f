// The confusion matrix of the network that answers, over all test samples of the page: rows are true classes, columns
// predictions. A number opens to the images behind it, which are marked on the map as well.

/** @import { Servers } from "../types.d.ts" */

import { call } from "../shared/api.js";
import { bytes } from "../shared/base64.js";
import { emit, latest, on } from "../shared/bus.js";
import { around, bringIntoView, finder, showProblem, whenVisible } from "../shared/dom.js";
import { facts } from "../shared/facts.js";
import * as samples from "../shared/samples.js";
import { unbroken } from "../shared/text.js";
import { makeThumbnails, openMap } from "../shared/thumbnails.js";

const MAX_NAMED = 5; // mixing-ups in words
/** @type {Record<string, [number, number] | undefined>} */
const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/**
 * @param {HTMLElement} element
 * @param {Servers["mistakes"]} server
 */
export const mount = (element, server) => {
  const find = finder(element);
  const holder = around(element, "#mistakes");
  const showThumbnails = makeThumbnails(find(".thumbnails"), find(".more"));

  /** @type {number[][][]} */
  let cells = []; // cells[truth][said]: the samples behind each number
  /** @type {(HTMLButtonElement | null)[][]} */
  let buttons = []; // buttons[truth][said] of the numbers above zero
  /** @type {[number, number] | null} */
  let chosen = null; // [truth, said]
  let asked = 0; // of the latest question to the server; an answer to an earlier one is of no use
  let isStale = true;

  /** @param {number} value */
  const number = (value) => value.toLocaleString("en");
  /**
   * @template {keyof HTMLElementTagNameMap} Tag
   * @param {Tag} tag
   * @param {string} [text]
   */
  const make = (tag, text = "") => {
    const made = document.createElement(tag);
    made.textContent = text;
    return made;
  };
  /** @type {(text: string, listener: () => void) => HTMLButtonElement} */
  const button = (text, listener) => {
    const made = make("button", text);
    made.type = "button";
    made.addEventListener("click", listener);
    return made;
  };
  /** @type {(truth: number, said: number) => string} */
  const titleOf = (truth, said) => {
    const count = `${number(cells[truth][said].length)} × ${facts.classes[truth]}`;
    return truth === said ? `${count}, recognised` : `${count}, predicted as ${facts.classes[said]}`;
  };

  // --- counting ------------------------------------------------------------------------------------------------

  /** @type {Uint8Array} */
  let counted = new Uint8Array(0); // the predictions in the table
  /** @param {Uint8Array} predictions */
  const count = (predictions) => {
    asked += 1; // what is under way is no newer than this
    const isSame =
      !isStale &&
      predictions.length === counted.length &&
      predictions.every((prediction, i) => prediction === counted[i]);
    if (isSame) {
      if (chosen) emit("marked", behind()); // only the map is another one
      return;
    }
    isStale = false;
    counted = predictions;
    cells = facts.classes.map(() => facts.classes.map(() => []));
    const all = Math.min(predictions.length, samples.labels.length);
    for (let i = 0; i < all; i++) cells[samples.labels[i]][predictions[i]]?.push(i);
    const right = cells.reduce((sum, row, label) => sum + row[label].length, 0);
    find(".summary").textContent =
      `${number(right)} of ${number(all)} test images are predicted correctly: an accuracy of ` +
      `${((100 * right) / all).toFixed(1)} %. Rows: the true class; columns: the prediction.`;
    find(".overview").hidden = false;
    buildTable();
    buildMost();
    const isGone = chosen && !buttons[chosen[0]][chosen[1]];
    if (isGone) chosen = null;
    show();
    if (chosen || isGone) emit("marked", behind()); // a map that comes later says "points" and hears of them then
    holder.dataset.counted = String(all);
  };

  const load = async () => {
    const mine = ++asked;
    const reply = await call(server.points, {});
    if (mine !== asked) return;
    showProblem(element, reply.error);
    if (reply.error === undefined) count(bytes(reply.predictions));
  };

  on("points", ({ predictions }) => count(predictions));
  on("network", () => {
    asked += 1;
    isStale = true;
    delete holder.dataset.counted;
    find(".summary").textContent = "Another network answers now. Counting again …";
    if (element.offsetParent) load();
  });

  // --- the table -----------------------------------------------------------------------------------------------

  /** @type {(name: string, scope: "col" | "row") => HTMLElement} */
  const heading = (name, scope) => {
    const made = make("th");
    made.scope = scope;
    made.append(make("span", unbroken(name)));
    return made;
  };

  const buildTable = () => {
    const most = Math.max(
      1,
      ...cells.flatMap((row, truth) => row.map((list, said) => (truth === said ? 0 : list.length))),
    );
    const corner = make("td");
    find("thead tr").replaceChildren(corner, ...facts.classes.map((name) => heading(name, "col")));
    buttons = cells.map((row, truth) =>
      row.map((list, said) => {
        if (!list.length) return null;
        const made = button(number(list.length), () => choose(truth, said));
        made.setAttribute("aria-label", titleOf(truth, said));
        made.title = titleOf(truth, said);
        made.addEventListener("keydown", (event) => move(event, truth, said));
        return made;
      }),
    );
    stopAt(buttons.flat().find(Boolean) ?? null); // one stop for the Tab key, arrows from there
    find("tbody").replaceChildren(
      ...cells.map((row, truth) => {
        const line = make("tr");
        line.append(
          heading(facts.classes[truth], "row"),
          ...row.map((list, said) => {
            const cell = make("td");
            if (truth === said) cell.className = "right";
            // The root lets few mistakes show beside many.
            else cell.style.setProperty("--fraction", `${Math.round(100 * Math.sqrt(list.length / most))}%`);
            cell.append(buttons[truth][said] ?? "0");
            return cell;
          }),
        );
        return line;
      }),
    );
  };

  /** @param {HTMLButtonElement | null} next */
  const stopAt = (next) => {
    for (const each of buttons.flat()) if (each) each.tabIndex = each === next ? 0 : -1;
  };
  /** @type {(event: KeyboardEvent, truth: number, said: number) => void} */
  const move = (event, truth, said) => {
    const step = STEPS[event.key];
    if (!step) return;
    event.preventDefault();
    const [down, right] = step;
    /** @type {HTMLButtonElement | null} */
    let next = null;
    for (let i = 1; i < facts.classes.length && !next; i++) next = buttons[truth + i * down]?.[said + i * right];
    if (!next) return;
    stopAt(next);
    next.focus();
  };

  const buildMost = () => {
    const pairs = cells.flatMap((row, truth) => row.map((list, said) => ({ truth, said, count: list.length })));
    const mistakes = pairs.filter(({ truth, said, count }) => truth !== said && count);
    mistakes.sort((one, other) => other.count - one.count);
    find(".most").hidden = !mistakes.length;
    find(".most ol").replaceChildren(
      ...mistakes.slice(0, MAX_NAMED).map(({ truth, said, count }) => {
        const item = make("li");
        const line = button("", () => choose(truth, said));
        line.append(
          make("b", facts.classes[truth]),
          " predicted as ",
          make("b", facts.classes[said]),
          `: ${number(count)}`,
        );
        item.append(line);
        return item;
      }),
    );
  };

  // --- the images behind a number ------------------------------------------------------------------------------

  const behind = () => (chosen ? cells[chosen[0]][chosen[1]] : []);

  /** @type {(truth: number, said: number) => void} */
  const choose = (truth, said) => {
    chosen = chosen?.[0] === truth && chosen[1] === said ? null : [truth, said];
    if (chosen) stopAt(buttons[truth][said]);
    show();
    emit("marked", behind());
    if (chosen) bringIntoView(find(".images"));
  };

  const show = () => {
    buttons.flat().forEach((each) => each?.setAttribute("aria-pressed", "false"));
    if (chosen) buttons[chosen[0]][chosen[1]]?.setAttribute("aria-pressed", "true");
    find(".images h3").textContent = chosen ? titleOf(...chosen) : "No number chosen";
    find(".images .about").textContent = chosen
      ? "Click an image to make it the current picture."
      : "Choose a number in the table, and its images appear here.";
    find(".images .tools").hidden = !chosen;
    showThumbnails(behind());
  };

  find(".onmap").addEventListener("click", openMap);
  find(".close").addEventListener("click", () => {
    if (!chosen) return;
    buttons[chosen[0]][chosen[1]]?.focus({ preventScroll: true });
    choose(...chosen);
  });

  const points = latest("points");
  if (points) count(points.predictions); // the map was opened before
  whenVisible(element, (isVisible) => {
    if (isVisible && isStale) load();
  });
};
