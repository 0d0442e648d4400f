// Light or dark, and the colours of each.

import { emit } from "./bus.js";

export const isDark = () => document.body.classList.contains("dark");

/** @param {string} name of a colour of the theme, as in CSS: "--color-accent" */
export const themeColour = (name) =>
  getComputedStyle(document.querySelector(".gradio-container") ?? document.body)
    .getPropertyValue(name)
    .trim();

const ON_LIGHT = { zero: [244, 244, 246], below: [20, 90, 190], above: [200, 80, 0] };
const ON_DARK = { zero: [32, 33, 40], below: [90, 170, 255], above: [255, 160, 60] };

// 256 colours for values -1..1: blue below zero, orange above, the colour of the page at zero.
export const signedColours = () => {
  const { zero, below, above } = isDark() ? ON_DARK : ON_LIGHT;
  return Array.from({ length: 256 }, (_, i) => {
    const value = (i - 128) / 127;
    const fraction = Math.min(1, Math.abs(value)) ** 0.8; // lifts small values, which would look like none
    return zero.map((from, c) => Math.round(from + fraction * ((value < 0 ? below : above)[c] - from)));
  });
};

let wasDark = isDark();
new MutationObserver(() => {
  if (wasDark === isDark()) return;
  wasDark = isDark();
  emit("theme");
}).observe(document.body, { attributes: true, attributeFilter: ["class"] });
