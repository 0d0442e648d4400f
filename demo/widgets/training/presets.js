// How long a training will take, by what earlier ones took here, and buttons that fill the form for a time.

/** @import { EpochDone } from "../types.d.ts" */
/** @typedef {{ architecture: string, [setting: string]: unknown }} FormValues */

import { findAll, finder } from "../shared/dom.js";
import { facts } from "../shared/facts.js";
import { duration } from "../shared/text.js";

const FEWEST_EPOCHS = 3; // of less, nobody sees a curve
const PRESETS = {
  "10 seconds": { architecture: "original", seconds: 10 },
  "1 minute": { architecture: "original", seconds: 60 },
  "10 minutes": { architecture: "deep", seconds: 600 },
};

/**
 * How many images an epoch looks at, the synthetic ones included, as a fraction of all training images.
 * @param {Record<string, unknown>} settings
 */
const workOf = (settings) => {
  const mix = Object.keys(facts.training.suggestedSynthetic).reduce((sum, kind) => sum + Number(settings[kind]), 0);
  return Number(settings.data_fraction) * (1 - Number(settings.skipped_fraction)) * (1 + mix);
};

/**
 * @param {HTMLFormElement} form
 * @param {() => FormValues} read
 * @param {(values: FormValues) => void} fill
 */
export const makePresets = (form, read, fill) => {
  const find = finder(form);
  const { paces, architectures, custom, settings } = facts.training;
  const highest = settings.find(({ name }) => name === "epochs")?.high ?? 1;
  const begun = Object.fromEntries(settings.map(({ name, value }) => [name, value]));
  let chosen = ""; // the name of the preset that filled the form
  let filled = ""; // what was in the form then

  const show = () => {
    const values = read();
    const isPressed = filled === JSON.stringify(values);
    for (const button of findAll(form, ".presets button")) {
      button.setAttribute("aria-pressed", String(isPressed && button.textContent === chosen));
    }
    const pace = paces[values.architecture];
    const seconds = pace && pace.seconds * Number(values.epochs) * workOf(values);
    find(".takes").textContent = seconds
      ? `Learns for about ${duration(seconds)}, ${pace.isMeasured ? "by what an earlier training took here" : "on two cores; here it has not been measured yet"}.`
      : "";
  };

  /** @type {(name: keyof typeof PRESETS) => void} */
  const use = (name) => {
    const { architecture, seconds } = PRESETS[name];
    const before = read();
    const passes = seconds / (paces[architecture].seconds * workOf({ ...before, data_fraction: 1 }));
    const epochs = Math.max(Math.min(FEWEST_EPOCHS, highest), Math.min(highest, Math.floor(passes)));
    const data_fraction = Math.max(0.01, Math.min(1, Math.floor((100 * passes) / epochs) / 100));
    const { learning_rate, batch_size } = begun;
    fill({ architecture, epochs, data_fraction, learning_rate, batch_size });
    [chosen, filled] = [name, JSON.stringify(read())];
    show();
  };
  for (const name of /** @type {(keyof typeof PRESETS)[]} */ (Object.keys(PRESETS))) {
    const { architecture } = PRESETS[name];
    if (!architectures.some(({ id }) => id === architecture)) continue;
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: name });
    button.title = `as much as the ${architecture} network learns in that time`;
    button.addEventListener("click", () => use(name));
    find(".presets").append(button);
  }
  form.addEventListener("input", show);

  return {
    show,
    /**
     * A training with these settings has taken so long.
     * @type {(settings: FormValues, done: EpochDone) => void}
     */
    measure: (settings, { epoch, seconds }) => {
      if (settings.architecture === custom.id) return; // of those, no two are alike
      paces[settings.architecture] = { seconds: seconds / (epoch * workOf(settings)), isMeasured: true };
      show();
    },
  };
};
