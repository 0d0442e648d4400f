// All networks that the visitor can choose, in a table, and two of them side by side: which is better, whether by more
// than chance, on which images, and what both make of the current picture.

/** @import { NetworkRow, Servers } from "../types.d.ts" */

import { call } from "../shared/api.js";
import { bytes } from "../shared/base64.js";
import { emit, on } from "../shared/bus.js";
import { around, finder, showProblem, whenVisible } from "../shared/dom.js";
import { makeClasses } from "./classes.js";
import { makeFlips } from "./flips.js";
import { makeRuns } from "./runs.js";
import { makeSamePicture } from "./same_picture.js";
import { makeTable } from "./table.js";

/** @param {number} value */
const number = (value) => value.toLocaleString("en");
/** @param {number} fraction */
const percent = (fraction) => `${(100 * fraction).toFixed(1)} %`;

/**
 * @param {HTMLElement} element
 * @param {Servers["compare"]} server
 */
export const mount = (element, server) => {
  const find = finder(element);
  const holder = around(element, "#compare");
  const [first, second] = ["first", "second"].map((side) => find(`.pair select.${side}`, HTMLSelectElement));
  const showFlips = makeFlips(find(".flips"));
  const showRuns = makeRuns(find(".runs"));
  const showClasses = makeClasses(find(".classes tbody"));
  const same = makeSamePicture(find(".same"), server);
  /** @type {NetworkRow[]} */
  let networks = [];
  let isStale = true;
  let asked = 0; // of the latest question; an answer to an earlier one is of no use

  const compare = async () => {
    const mine = ++asked;
    const pair = [first, second].map(({ value }) => networks.find(({ id }) => id === value) ?? networks[0]);
    same.show(pair);
    showRuns(
      networks,
      pair.map(({ id }) => id),
    );
    const reply = await call(server.compare, { first: first.value, second: second.value });
    if (mine !== asked) return;
    showProblem(element, reply.error);
    if (reply.error !== undefined) return;
    const [one, other] = reply.accuracy.map(
      (each, i) => `${percent(each)} ± ${(100 * reply.standard_error[i]).toFixed(1)}`,
    );
    const difference = reply.only_first + reply.only_second;
    const chance =
      reply.p_value < 0.001 ? "less than 0.1 %" : `${(100 * reply.p_value).toPrecision(reply.p_value < 0.1 ? 2 : 3)} %`;
    find(".verdict").textContent =
      first.value === second.value
        ? `Of ${number(reply.images)} test images, ${pair[0].name} is right about ${one}. Choose two different networks.`
        : `Of ${number(reply.images)} test images, ${pair[0].name} is right about ${one}, ${pair[1].name} about ${other} (± the standard error). ` +
          `They disagree about ${number(difference)}: if both were equally good, a difference this large would come by ` +
          `chance in ${chance} of cases (McNemar’s exact test)` +
          `${reply.p_value < 0.05 ? ": more than chance." : ": it may well be chance."}`;
    const [predictions, others] = reply.predictions.map(bytes);
    showFlips(predictions, others);
    showClasses(reply.per_class);
    holder.dataset.compared = `${first.value} ${second.value}`;
  };

  /** @type {(select: HTMLSelectElement, usual: string) => void} */
  const offer = (select, usual) => {
    const before = select.value;
    select.replaceChildren(...networks.map(({ id, name }) => new Option(name, id)));
    select.value = networks.some(({ id }) => id === before) ? before : usual;
  };

  const load = async () => {
    const mine = ++asked;
    const [reply, which] = await Promise.all([call(server.networks, {}), call(server.which, {})]);
    if (mine !== asked) return;
    showProblem(element, reply.error ?? which.error);
    if (reply.error !== undefined || which.error !== undefined) return;
    isStale = false;
    const isNew = reply.networks.some(({ id, own }) => own && !networks.some((each) => each.id === id));
    networks = reply.networks;
    showTable(networks, which.network);
    // The visitor's latest network beside the one that it started from, or beside the one before it.
    const [before, latest] = networks.filter(({ own }) => own).slice(-2);
    const newest = latest ?? before ?? networks.at(-1);
    const start = networks.find(({ name }) => name === newest.record?.init_from);
    if (isNew) [first.value, second.value] = ["", ""];
    offer(first, (start ?? (latest ? before : networks[0])).id);
    offer(second, newest.id);
    compare();
  };
  [first, second].forEach((select) => select.addEventListener("change", compare));

  const showTable = makeTable(element, {
    answer: async (id) => {
      const reply = await call(server.choose, { network: id });
      showProblem(element, reply.error);
      emit("network");
    },
    again: (settings) => {
      emit("settings", settings);
      emit("tab", "train");
    },
    rename: async (id, name) => {
      const reply = await call(server.rename, { network: id, name });
      showProblem(element, reply.error);
      if (reply.error === undefined) emit("network");
    },
    forget: async (id) => {
      const reply = await call(server.forget, { network: id });
      showProblem(element, reply.error);
      emit("restored");
      emit("network");
    },
  });

  on("network", () => {
    asked += 1;
    isStale = true;
    delete holder.dataset.compared;
    if (element.offsetParent) load();
  });
  whenVisible(element, (isVisible) => {
    same.pause(!isVisible);
    if (isVisible && isStale) load();
  });
};
