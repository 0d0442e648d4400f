// The guided tour: five short steps, each beside the part of the page that it is about. It comes by itself once, to a
// first visitor, and the page stays usable meanwhile.

/** @typedef {{ about: string, tab?: string, title: string, text: string }} Step */

import { emit, on } from "../shared/bus.js";
import { bringIntoView, finder } from "../shared/dom.js";
import { facts } from "../shared/facts.js";
import * as address from "../shared/address.js";
import { recall, store } from "../shared/storage.js";

/** @type {Step[]} */
const STEPS = [
  {
    about: "#pad",
    title: "Draw a garment",
    text: "Use mouse, pen or finger: a shirt, trousers, a boot. Try it now, the page works while this tour is open.",
  },
  {
    about: "#answer",
    title: "See what it says",
    text: "The network answers while you draw: ten bars, one for each kind of clothing (its probabilities). “Familiar” tells how much your picture is like what it was trained on.",
  },
  {
    about: "#feature_maps",
    tab: "look-inside",
    title: "Look inside",
    text: "Your picture passes through the network layer by layer. Choose a layer to see what it makes of your picture (its feature maps).",
  },
  {
    about: "#map",
    tab: "map",
    title: "Find your picture on the map",
    text: "Every mark is a test image, and those that look alike to the network lie together. The ring is your picture.",
  },
  {
    about: "#train-form .presets",
    tab: "train",
    title: "Train it yourself",
    text: "Press “Train” and watch a network learn from random weights. The result answers only you, and one click takes you back.",
  },
];
const GAP = 12; // CSS pixels between the dialog and what it is about, and the edges of the screen

/** @param {HTMLElement} element */
export const mount = (element) => {
  const find = finder(element);
  const dialog = find(".tour");
  const steps = STEPS.filter(({ tab }) => tab !== "train" || facts.training.isOpen);
  let at = -1; // number of the step that is shown; -1: none
  /** @type {HTMLElement | null} */
  let target = null; // what it is about; null: its tab is only just being opened
  let before = document.body; // what had the focus before the tour

  /** @type {(value: number, most: number) => number} */
  const clamp = (value, most) => Math.max(GAP, Math.min(value, most - GAP));

  // Every frame while the tour is open: tabs open, visitors scroll, and maps grow when their data come.
  const follow = () => {
    if (at < 0) return;
    if (!target) {
      target = document.querySelector(steps[at].about);
      if (!target?.offsetParent) target = null;
      target?.classList.add("tour-target");
      if (target) bringIntoView(target);
    }
    if (target) {
      const box = target.getBoundingClientRect();
      const [width, height] = [dialog.offsetWidth, dialog.offsetHeight];
      const isRoomBelow = box.bottom + 2 * GAP + height <= innerHeight;
      const isAbove = !isRoomBelow && box.top >= height + 2 * GAP;
      const isBeside = !isRoomBelow && !isAbove && box.right + 2 * GAP + width <= innerWidth;
      dialog.style.left = `${clamp(isBeside ? box.right + GAP : box.left, innerWidth - width)}px`;
      dialog.style.top = `${clamp(isAbove ? box.top - GAP - height : box.bottom + GAP, innerHeight - height)}px`;
    }
    requestAnimationFrame(follow);
  };

  const leave = () => {
    target?.classList.remove("tour-target");
    target = null;
  };

  /** @param {number} step */
  const go = (step) => {
    leave();
    at = step;
    const { tab, title, text } = steps[step];
    find(".step").textContent = `Step ${step + 1} of ${steps.length}`;
    find("#tour-title").textContent = title;
    find("#tour-text").textContent = text;
    find(".skip").hidden = step === steps.length - 1;
    find(".next").textContent = step === steps.length - 1 ? "Done" : "Next";
    if (step === 0 && document.activeElement === find(".back")) dialog.focus({ preventScroll: true });
    find(".back").hidden = step === 0;
    if (tab) emit("tab", tab);
  };

  const start = () => {
    const isOpen = at >= 0;
    go(0);
    if (isOpen) return;
    if (document.activeElement instanceof HTMLElement) before = document.activeElement;
    dialog.hidden = false;
    follow();
    // Who comes and already does something is not interrupted.
    if (before === document.body || before.closest(".page_header")) dialog.focus({ preventScroll: true });
  };

  const end = () => {
    leave();
    at = -1;
    const hadFocus = dialog.contains(document.activeElement);
    dialog.hidden = true;
    if (hadFocus) before.focus({ preventScroll: true });
  };

  find(".skip").addEventListener("click", end);
  find(".back").addEventListener("click", () => go(at - 1));
  find(".next").addEventListener("click", () => (at < steps.length - 1 ? go(at + 1) : end()));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && at >= 0 && !event.defaultPrevented) end();
  });
  on("tour", start);

  const isFirstVisit = () => {
    if (recall("toured")) return false;
    store("toured", "yes");
    return recall("toured") !== null; // where storage is forbidden it would come at every visit
  };
  // With the first answer the page is complete. Who follows a link to a view is not led away from it.
  let isWaiting = true;
  on("answer", () => {
    if (isWaiting && !address.get("tab") && isFirstVisit()) start();
    isWaiting = false;
  });
};
