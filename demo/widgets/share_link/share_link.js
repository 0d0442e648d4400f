// A link to what is open: the tab and the test sample. (Other widgets keep what is theirs in it by themselves, and hear
// "link" when another one is opened.)

import { emit, latest, on } from "../shared/bus.js";
import { finder } from "../shared/dom.js";
import { facts } from "../shared/facts.js";
import * as address from "../shared/address.js";
import * as samples from "../shared/samples.js";

const TABS = "#tabs [role=tab], #tabs .overflow-dropdown button";

/** @param {HTMLElement} element */
export const mount = (element) => {
  const find = finder(element);
  const field = find("input", HTMLInputElement);

  // --- tabs: of Gradio, which on a narrow screen keeps the last ones in a menu ----------------------------------

  const tabs = () => /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(TABS));
  /** @param {Element} tab */
  const nameOf = (tab) => tab.textContent.trim().toLowerCase().replaceAll(" ", "-");
  /** @param {string} name */
  const open = (name) => [...tabs()].find((tab) => nameOf(tab) === name)?.click();

  document.addEventListener("click", (event) => {
    const tab = event.target instanceof Element && event.target.closest(TABS);
    if (tab) address.set("tab", nameOf(tab));
  });
  on("tab", open);

  // --- from a link: the sample at the start is the pad's, which shows it first of all ---------------------------

  const restoreTab = () => {
    const name = address.get("tab");
    if (name) open(name);
  };
  // The views are below the pad, on a phone far below. With the first answer, all above them is there.
  const bringIntoView = () => {
    const views = document.querySelector("#tabs");
    if (!address.get("tab") || !views || !latest("answer")) return;
    if (views.getBoundingClientRect().top > innerHeight / 2) views.scrollIntoView();
  };
  const whenBuilt = new MutationObserver(() => {
    if (!tabs().length) return;
    whenBuilt.disconnect();
    restoreTab();
    bringIntoView();
  });
  whenBuilt.observe(document.body, { childList: true, subtree: true });

  window.addEventListener("hashchange", () => {
    emit("link");
    restoreTab();
    bringIntoView();
    const index = samples.numbered(address.get("sample"));
    if (index >= 0) emit("sample", index);
  });

  // --- to a link -------------------------------------------------------------------------------------------------

  let copied = ""; // what is said below the button is about this link

  const copy = async () => {
    const isSample = address.get("sample") !== null;
    const answering = latest("answer")?.network;
    const isYours = answering !== undefined && !facts.networks.some(({ id }) => id === answering);
    const opens =
      `It opens this view${isSample ? " with this test image" : ", without your picture"}` +
      `${isYours ? ", answered by a shipped network" : ""}.`;
    copied = location.href;
    try {
      await navigator.clipboard.writeText(copied);
      find(".said").textContent = `Link copied. ${opens}`;
      field.hidden = true;
    } catch {
      // No clipboard on plain http pages, or it is forbidden.
      find(".said").textContent = `Copy this link. ${opens}`;
      field.hidden = false;
      field.value = copied;
      field.focus();
      field.select();
    }
  };
  find("button").addEventListener("click", copy);
  let isFirst = true;
  on("answer", () => {
    if (isFirst) bringIntoView();
    isFirst = false;
    if (copied === location.href) return;
    find(".said").textContent = "";
    field.hidden = true;
  });
};
