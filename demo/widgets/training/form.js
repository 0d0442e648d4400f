// The form before a training: the networks and settings that the server offers, with their ranges.

/** @import { FormSetting, RunSettings, Servers, TrainSettings } from "../types.d.ts" */

import { call } from "../shared/api.js";
import { latest, on } from "../shared/bus.js";
import { finder } from "../shared/dom.js";
import { facts } from "../shared/facts.js";
import { makeLayerEditor } from "./layer_editor.js";

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
 * @param {Servers["training"]} server
 * @param {(settings: TrainSettings) => void} start
 */
export const makeForm = (form, server, start) => {
  const find = finder(form);
  const { architectures, custom, settings } = facts.training;
  const architecture = find("[name=architecture]", HTMLSelectElement);
  for (const { id, parameters } of architectures) {
    architecture.append(new Option(`${id}: ${parameters.toLocaleString("en")} parameters`, id));
  }
  architecture.append(new Option("layers of your own", custom.id));
  const isOwn = () => architecture.value === custom.id;
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
    find(".architecture .about").textContent = chosen?.description ?? "composed by you, layer by layer";
    find("#own-layers").hidden = !isOwn();
    if (fraction) {
      fraction.value = String((chosen ?? custom).fraction);
      fraction.dispatchEvent(new Event("input"));
    }
    check();
  };

  // --- whether it can be trained, said before the visitor tries ------------------------------------------------

  const trainButton = find("[type=submit]", HTMLButtonElement);
  const fromCurrent = find("[name=init_from_current][value=yes]", HTMLInputElement);
  let isRunning = false;
  let problem = "";
  const allow = () => {
    trainButton.disabled = isRunning || Boolean(problem);
    find(".cannot-train").hidden = !problem;
    find(".cannot-train").textContent = problem;
  };
  let isAsking = false; // one question at a time, the latest state of the form next
  let isStale = false;
  const check = async () => {
    isStale = true;
    if (isAsking) return;
    isAsking = true;
    while (isStale) {
      isStale = false;
      const layers = isOwn() ? { layers: editor.rows() } : {};
      const reply = await call(server.train_check, { architecture: architecture.value, ...layers });
      if (isStale) continue;
      const known = reply.error === undefined ? reply : { cannotStartFrom: null }; // it checks again before it trains
      if (known.layers) editor.show(known.layers, known.problem ?? "");
      problem = known.problem ?? "";
      fromCurrent.disabled = known.cannotStartFrom !== null;
      if (fromCurrent.disabled) find("[name=init_from_current]", HTMLInputElement).checked = true;
      find(".cannot-start-from").textContent = known.cannotStartFrom ?? "";
      allow();
    }
    isAsking = false;
  };
  const editor = makeLayerEditor(find("#own-layers"), check);
  on("network", check);
  architecture.addEventListener("change", follow);
  follow();

  // Those of an earlier training, to change one of them.
  /** @param {RunSettings | undefined} given */
  const fill = (given) => {
    if (!given) return;
    architecture.value = given.architecture;
    if (isOwn()) editor.use(given.layers);
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
      ...(isOwn() && { layers: editor.rows() }),
      init_from_current: fromCurrent.checked,
      for_people: find("[name=for_people]", HTMLInputElement).checked,
      watch: find("[name=watch]", HTMLInputElement).checked,
      ...Object.fromEntries([...inputs].map(([name, input]) => [name, input.valueAsNumber])),
    });
  });

  return {
    /** @param {boolean} isNow */
    run: (isNow) => {
      isRunning = isNow;
      allow();
    },
  };
};
