// The settings of a training as fields of its form: those that everybody sees, and more under headings, folded away.

/** @import { FormSetting, SettingValues } from "../types.d.ts" */

import { finder } from "../shared/dom.js";
import { facts } from "../shared/facts.js";

const MAX_SLIDER = 100; // steps; a longer range is a number to type

/** @param {FormSetting} setting */
const inputFor = ({ name, isWhole, isSwitch, low, high }) => {
  if (isSwitch) return Object.assign(document.createElement("input"), { name, type: "checkbox" });
  const step = isWhole ? 1 : 0.01;
  const isSlider = (high - low) / step <= MAX_SLIDER;
  return Object.assign(document.createElement("input"), {
    name,
    type: isSlider ? "range" : "number",
    // A learning rate can be anything: its arrows go by a tenth of what is there.
    step: isSlider || isWhole ? String(step) : "any",
    min: String(isSlider && low ? Math.max(low, step) : low),
    max: String(high),
  });
};

/** @param {FormSetting} setting */
const fieldFor = (setting) => {
  const [field, label, about] = ["label", "b", "span"].map((tag) => document.createElement(tag));
  field.className = setting.isSwitch ? "field switch" : "field";
  label.textContent = setting.label;
  about.className = "about";
  about.textContent = setting.help;
  const input = inputFor(setting);
  field.append(label, about, input);
  if (input.type === "range") {
    const shown = document.createElement("output");
    input.addEventListener("input", () => (shown.textContent = input.value));
    field.append(shown);
  }
  return { field, input };
};

/** @param {HTMLFormElement} form */
export const makeSettingFields = (form) => {
  const find = finder(form);
  const { settings, more, suggestedSynthetic } = facts.training;
  const forPeople = find("[name=for_people]", HTMLInputElement);
  const kinds = Object.keys(suggestedSynthetic);
  /** @type {Map<string, HTMLInputElement>} */
  const inputs = new Map();
  /** @type {Map<string, HTMLElement>} */
  const fields = new Map();
  for (const setting of settings) {
    const { field, input } = fieldFor(setting);
    inputs.set(setting.name, input);
    fields.set(setting.name, field);
  }
  const folded = Object.values(more).flat();
  find(".settings").append(...[...fields].flatMap(([name, field]) => (folded.includes(name) ? [] : field)));
  find("#more-settings .groups").append(
    ...Object.entries(more).map(([heading, names]) => {
      const [group, legend] = ["fieldset", "legend"].map((tag) => document.createElement(tag));
      legend.textContent = heading;
      group.append(legend, ...names.flatMap((name) => fields.get(name) ?? []));
      return group;
    }),
  );

  /** @param {HTMLInputElement} input */
  const valueOf = (input) => (input.type === "checkbox" ? input.checked : input.valueAsNumber);
  /** @returns {SettingValues} */
  const read = () => Object.fromEntries([...inputs].map(([name, input]) => [name, valueOf(input)]));

  /** @type {SettingValues} */
  let usual = Object.fromEntries(settings.map(({ name, value }) => [name, value]));
  // What is folded away is not forgotten.
  const follow = () => {
    const values = read();
    const isUsual = [suggestedSynthetic, Object.fromEntries(kinds.map((kind) => [kind, 0]))].some((mix) =>
      kinds.every((kind) => values[kind] === mix[kind]),
    );
    forPeople.checked = kinds.some((kind) => values[kind]);
    const changed = settings.filter(
      ({ name }) => folded.includes(name) && (kinds.includes(name) ? !isUsual : values[name] !== usual[name]),
    );
    find("#more-settings .changed").textContent = changed.length
      ? `changed: ${changed.map(({ label }) => label.toLowerCase()).join(", ")}`
      : "augmentation, synthetic data, chance";
  };
  for (const input of inputs.values()) input.addEventListener("input", follow);

  /** @param {Record<string, unknown>} values those that are left out stay as they are */
  const fill = (values) => {
    for (const [name, input] of inputs) {
      if (values[name] === undefined) continue;
      if (input.type === "checkbox") input.checked = Boolean(values[name]);
      else input.value = String(values[name]);
      input.dispatchEvent(new Event("input"));
    }
  };
  forPeople.addEventListener("input", () => {
    fill(forPeople.checked ? suggestedSynthetic : Object.fromEntries(kinds.map((kind) => [kind, 0])));
  });
  fill(usual);

  return {
    read,
    fill,
    /** @param {SettingValues} values what another network begins with, as far as networks differ */
    begin: (values) => {
      usual = { ...usual, ...values };
      fill(values);
    },
  };
};
