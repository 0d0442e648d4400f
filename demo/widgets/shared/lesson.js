// The pictures of which the visitor has said what they are. They stay in this tab: the server gets them only to teach.

/** @import { LessonPicture } from "../types.d.ts" */

import { base64, bytes } from "./base64.js";
import { emit } from "./bus.js";
import { facts } from "./facts.js";

const KEY = "fmnist-lesson";
const PIXELS = facts.size ** 2;

/** @param {any} each */
const isPicture = (each) =>
  typeof each?.pixels === "string" && typeof each.kind === "string" && Number.isInteger(each.label);

/** @type {LessonPicture[]} */
let pictures = (() => {
  try {
    const known = JSON.parse(sessionStorage.getItem(KEY) ?? "[]");
    return Array.isArray(known) ? known.filter(isPicture) : [];
  } catch {
    return []; // storage is forbidden, or holds something else
  }
})();

export const all = () => pictures;

/** @param {LessonPicture[]} changed */
export const use = (changed) => {
  pictures = changed.slice(0, facts.lessonPictures);
  try {
    sessionStorage.setItem(KEY, JSON.stringify(pictures));
  } catch {
    // they last as long as the page
  }
  emit("lesson", pictures);
};

/** As a CSV file in the format used on Kaggle, which --data reads as well. */
export const toCsv = () => {
  const head = ["label", ...Array.from({ length: PIXELS }, (_, i) => `pixel${i + 1}`)];
  const rows = pictures.map(({ label, pixels }) => [label, ...bytes(pixels)]);
  return [head, ...rows].map((row) => `${row.join()}\n`).join("");
};

/**
 * The pictures of such a file.
 * @param {string} text
 * @returns {LessonPicture[] | string} or what is wrong with it, in a sentence
 */
export const fromCsv = (text) => {
  const lines = text.split(/\r?\n/).filter((line) => line.trim());
  const first = /^\s*"?label/i.test(lines[0] ?? "") ? 1 : 0;
  const found = [];
  for (let i = first; i < lines.length; i++) {
    const numbers = lines[i].split(",").map(Number);
    if (numbers.length !== PIXELS + 1) {
      return `Line ${i + 1} has ${numbers.length} values, expected ${PIXELS + 1}: the label and ${PIXELS} pixels.`;
    }
    const wrong = numbers.findIndex((each, at) => !Number.isInteger(each) || each < 0 || each > (at ? 255 : 9));
    if (wrong >= 0) {
      const expected = wrong ? "a pixel from 0 to 255" : `a label from 0 to ${facts.classes.length - 1}`;
      return `Line ${i + 1}, column ${wrong + 1}: expected ${expected}.`;
    }
    found.push({ label: numbers[0], pixels: base64(Uint8Array.from(numbers.slice(1))), kind: "drawing" });
  }
  return found.length ? found : "There is no picture in this file: expected a line for each, the label and its pixels.";
};
