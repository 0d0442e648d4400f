// The form before a training: the networks and settings that the server offers, with their ranges.

/** @import { FormSetting, RunSettings, TrainSettings } from "../types.d.ts" */

import { latest, on } from "../shared/bus.js";
import { finder } from "../shared/dom.js";
import { facts } from "../shared/facts.js";

const MAX_SLIDER = 100; // steps; a longer range is a number to type

/** @param {FormSetting} setting */
const inputFor = ({ name, isWhole, low, high, value }) => {
  const step = isWhole ? 1 : 0.01;
  const isSlider = (high - low) / step <= MAX_SLIDER;
  const input = Object.assign(document.createElement("input"), {
    name,
    type: isSlider ? "range" : "number",
    // A learning rate can be anything: its arrows go by a tenth of what is there.
    step: isSlider || isWhole ? String(step) : "any",
    min: String(isSlider ? Math.max(low, step) : low),
    max: String(high),
  });
  input.value = String(value);
  return input;
};

/** @param {FormSetting} setting */
const fieldFor = (setting) => {
  const field = document.createElement("label");
  field.className = "field";
  const [label, about] = [document.createElement("b"), document.createElement("span")];
  label.textContent = setting.label;
  about.className = "about";
  about.textContent = setting.help;
  const input = inputFor(setting);
  field.append(label, about, input);
  if (input.type === "range") {
    const shown = document.createElement("output");
    const show = () => (shown.textContent = input.value);
    input.addEventListener("input", show);
    show();
    field.append(shown);
  }
  return { field, input };
};

/**
 * @param {HTMLFormElement} form
 * @param {(settings: TrainSettings) => void} start
 */
export const makeForm = (form, start) => {
  const find = finder(form);
  const { architectures, settings } = facts.training;
  const architecture = find("[name=architecture]", HTMLSelectElement);
  for (const { id, parameters } of architectures) {
    architecture.append(new Option(`${id}: ${parameters.toLocaleString("en")} parameters`, id));
  }
  /** @type {Map<string, HTMLInputElement>} */
  const inputs = new Map();
  for (const setting of settings) {
    const { field, input } = fieldFor(setting);
    inputs.set(setting.name, input);
    find(".settings").append(field);
  }

  // A large network on all of the data would take a lesson and more.
  const follow = () => {
    const chosen = architectures.find(({ id }) => id === architecture.value);
    const fraction = inputs.get("data_fraction");
    if (!chosen || !fraction) return;
    find(".architecture .about").textContent = chosen.description;
    fraction.value = String(chosen.fraction);
    fraction.dispatchEvent(new Event("input"));
  };
  architecture.addEventListener("change", follow);
  follow();

  // Those of an earlier training, to change one of them.
  /** @param {RunSettings | undefined} given */
  const fill = (given) => {
    if (!given) return;
    architecture.value = given.architecture;
    follow();
    find("[name=for_people]", HTMLInputElement).checked = given.for_people;
    for (const [name, input] of inputs) {
      input.value = String(given[name]);
      input.dispatchEvent(new Event("input"));
    }
  };
  on("settings", fill);
  fill(latest("settings"));

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    start({
      architecture: architecture.value,
      init_from_current: find("[name=init_from_current][value=yes]", HTMLInputElement).checked,
      for_people: find("[name=for_people]", HTMLInputElement).checked,
      watch: find("[name=watch]", HTMLInputElement).checked,
      ...Object.fromEntries([...inputs].map(([name, input]) => [name, input.valueAsNumber])),
    });
  });
};
