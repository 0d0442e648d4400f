// The answer in words and as bars.

/** @import { Answer, Servers, Which } from "../types.d.ts" */

import { call } from "../shared/api.js";
import { makeBars } from "../shared/bars.js";
import { emit, latest, on } from "../shared/bus.js";
import { around, bringIntoView, finder, showProblem, whenVisible } from "../shared/dom.js";
import { facts } from "../shared/facts.js";
import * as address from "../shared/address.js";
import { percent, unbroken } from "../shared/text.js";
import { isMounted as isTrainingShown } from "../training/training.js";

const KEEPING = 20_000; // milliseconds from one question to the next

/**
 * @param {HTMLElement} element
 * @param {Servers["answer"]} server
 */
export const mount = (element, server) => {
  const find = finder(element);
  const holder = around(element, "#answer");
  const words = find(".words");
  const showBars = makeBars(find(".bars"));
  let painted = 0;

  const whose = find(".whose select", HTMLSelectElement);
  const meter = find("meter", HTMLMeterElement);
  for (const { id, name, parameters } of facts.networks) {
    whose.append(new Option(`${name}: ${parameters.toLocaleString("en")} parameters`, id));
  }
  /** @param {string} id */
  const isShipped = (id) => facts.networks.some((network) => network.id === id);
  /** @param {string} id */
  const choose = async (id) => {
    const reply = await call(server.choose, { network: id });
    showProblem(element, reply.error);
    address.set("network", reply.error || !isShipped(id) ? null : id);
    emit("network"); // after an error too: the answer tells which network it is that answers
  };
  whose.addEventListener("change", () => choose(whose.value));
  /** @type {number | null} */
  let known = facts.session; // number of the network that the page speaks of; null: another one, not heard of yet
  let isRestored = false; // the visitor has given trained networks back
  /** @type {Which["own"]} */
  let ownKnown = []; // networks that they have trained
  /** @param {Which} which */
  const showWhose = ({ network, session, own }) => {
    const before = JSON.stringify(ownKnown);
    ownKnown = own;
    if (before !== JSON.stringify(own)) {
      [...whose.options].filter(({ value }) => !isShipped(value)).forEach((option) => option.remove());
      whose.append(...own.map(({ id, name }) => new Option(name, id)));
      const isLost = !own.length && !isRestored;
      showProblem(element, isLost ? "The server has forgotten the networks that you trained." : "");
    }
    isRestored = false;
    whose.value = network;
    if (!isShipped(network)) address.set("network", null); // it is no other page's
    // Chosen or trained in another tab or before a reload, or forgotten by the server: the other views do not know yet.
    const isNews = known !== null && session !== known;
    known = session;
    if (isNews) emit("network");
  };
  on("restored", () => (isRestored = true));
  on("network", async () => {
    known = null;
    if (latest("answer")?.empty === undefined) return;
    const which = await call(server.which, {}); // the pad will not ask
    if (which.error === undefined) showWhose(which);
  });

  /** @param {Answer} answer */
  const paint = (answer) => {
    const { network, session, own } = answer;
    if (network !== undefined && session !== undefined && own !== undefined) showWhose({ network, session, own });
    const reading = answer.empty === undefined ? answer : null;
    find(".aside").textContent = reading?.note ?? "";
    words.textContent = unbroken(answer.empty ?? answer.words);
    words.classList.toggle("empty", !reading);
    words.classList.toggle("guess", Boolean(reading?.note));
    showBars(reading?.probabilities ?? null);
    meter.value = reading ? reading.familiarity : 0;
    find(".familiar b").textContent = reading ? `${Math.round(100 * reading.familiarity)} %` : "–";
    holder.dataset.answers = String(++painted);
  };
  on("answer", paint);

  // A sample that is chosen in a view far below changes what is up here: what is said of it is told there, too.
  const elsewhere = find(".elsewhere");
  let isChosenBelow = false;
  on("sample", () => (isChosenBelow = words.getBoundingClientRect().bottom < 0));
  on("answer", (answer) => {
    elsewhere.hidden = !isChosenBelow || answer.empty !== undefined;
    if (elsewhere.hidden || answer.empty !== undefined) return;
    elsewhere.textContent = `${answer.words}, ${percent(Math.max(...answer.probabilities))}  ↑`;
  });
  whenVisible(words, (isVisible) => {
    if (!isVisible) return;
    isChosenBelow = false;
    elsewhere.hidden = true;
  });
  elsewhere.addEventListener("click", () => bringIntoView(finder(document)("#pad")));

  // The server ends a training that nobody asks about. The view that follows one is made when its tab is first opened,
  // which after a reload may be never: until then it is kept going here.
  /** @param {boolean} wasAlive */
  const keepTraining = async (wasAlive) => {
    if (isTrainingShown) return;
    const state = await call(server.train_state, { seen: 1e6 }); // nothing of what has happened
    if (state.error === undefined ? state.alive : wasAlive) setTimeout(keepTraining, KEEPING, true);
    else if (wasAlive) emit("network"); // what came out of it
  };
  keepTraining(false);

  const readLink = () => {
    const linked = address.get("network");
    if (linked && linked !== latest("answer")?.network && isShipped(linked)) choose(linked);
  };
  on("link", readLink);
  readLink();
};
