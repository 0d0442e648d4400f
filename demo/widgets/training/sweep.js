// Several trainings in a row: each value of a setting, or each pair of values of two settings, is tried.

/** @import { FormSetting } from "../types.d.ts" */
/** @typedef {{ name: string, changes: Record<string, number> }} Trial what differs from the form, and what it is called */

import { finder } from "../shared/dom.js";
import { facts } from "../shared/facts.js";

/**
 * The values in a list of numbers, or why they cannot be; the server looks again.
 * @type {(text: string, setting: FormSetting) => number[] | string}
 */
export const valuesIn = (text, { label, isWhole, low, high }) => {
  const words = text.split(/[,;\s]+/).filter(Boolean);
  if (!words.length) return `${label}: no value to try, expected some with commas between, as 1, 2.`;
  for (const word of words) {
    const value = Number(word);
    if (!Number.isFinite(value)) return `${label}: “${word.slice(0, 20)}” is not a number.`;
    if (value < low || value > high) {
      return `${label}: ${value} is out of range, expected ${low} to ${high.toLocaleString("en")}.`;
    }
    if (isWhole && !Number.isInteger(value)) return `${label}: ${value} is not a whole number.`;
  }
  return [...new Set(words.map(Number))];
};

/**
 * @param {HTMLFormElement} form
 * @param {() => void} changed
 */
export const makeSweep = (form, changed) => {
  const find = finder(form);
  const { settings, sweepRuns } = facts.training;
  const offered = settings.filter(({ isSwitch }) => !isSwitch);
  const rows = [1, 2].map((number) => {
    const select = find(`[name=tried_${number}]`, HTMLSelectElement);
    select.append(new Option("–", ""), ...offered.map(({ name, label }) => new Option(label, name)));
    return { select, input: find(`[name=values_${number}]`, HTMLInputElement) };
  });

  /** @returns {Trial[] | string} none, where nothing is to be tried; or why it cannot be */
  const read = () => {
    /** @type {Trial[]} */
    let trials = [];
    const chosen = rows.filter(({ select }) => select.value);
    if (chosen.length === 2 && chosen[0].select.value === chosen[1].select.value) {
      return "The same setting is chosen twice, expected another one.";
    }
    for (const { select, input } of chosen) {
      const setting = offered.find(({ name }) => name === select.value) ?? offered[0];
      const values = valuesIn(input.value, setting);
      if (typeof values === "string") return values;
      const before = trials.length ? trials : [{ name: "", changes: {} }];
      trials = before.flatMap(({ name, changes }) =>
        values.map((value) => ({
          name: `${name && `${name}, `}${setting.label.toLowerCase()} ${value}`.slice(0, facts.networkNameLength),
          changes: { ...changes, [setting.name]: value },
        })),
      );
    }
    if (trials.length > sweepRuns) return `These are ${trials.length} trainings, expected ${sweepRuns} at most.`;
    return trials;
  };

  const show = () => {
    for (const { select, input } of rows) input.disabled = !select.value;
    const trials = read();
    find(".sweep .problem").hidden = typeof trials !== "string";
    find(".sweep .problem").textContent = typeof trials === "string" ? trials : "";
    changed();
  };
  for (const { select, input } of rows) {
    select.addEventListener("change", () => {
      show();
      // To begin with, what the form has.
      if (select.value && !input.value) input.value = find(`[name=${select.value}]`, HTMLInputElement).value;
      show();
    });
    input.addEventListener("input", show);
  }

  return { read };
};
