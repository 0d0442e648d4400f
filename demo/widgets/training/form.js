// The form before a training: the networks and settings that the server offers, with their ranges.

/** @import { Trial } from "./sweep.js" */
/** @import { RunSettings, Servers, TrainSettings } from "../types.d.ts" */

import { call } from "../shared/api.js";
import { latest, on } from "../shared/bus.js";
import { finder } from "../shared/dom.js";
import { facts } from "../shared/facts.js";
import { makeLayerEditor } from "./layer_editor.js";
import { makePresets } from "./presets.js";
import { makeSettingFields } from "./setting_fields.js";
import { makeSweep } from "./sweep.js";

/**
 * @param {HTMLFormElement} form
 * @param {Servers["training"]} server
 * @param {(settings: TrainSettings, trials: Trial[]) => void} start
 */
export const makeForm = (form, server, start) => {
  const find = finder(form);
  const { architectures, custom } = facts.training;
  const architecture = find("[name=architecture]", HTMLSelectElement);
  for (const { id, parameters } of architectures) {
    architecture.append(new Option(`${id}: ${parameters.toLocaleString("en")} parameters`, id));
  }
  architecture.append(new Option("layers of your own", custom.id));
  const isOwn = () => architecture.value === custom.id;
  const fields = makeSettingFields(form);
  const presets = makePresets(
    form,
    () => ({ ...fields.read(), architecture: architecture.value }),
    (values) => {
      architecture.value = values.architecture;
      follow();
      fields.fill(values);
    },
  );

  // A large network on all of the data would take a lesson and more.
  const follow = () => {
    const chosen = architectures.find(({ id }) => id === architecture.value);
    find(".architecture .about").textContent = chosen?.description ?? "composed by you, layer by layer";
    find("#own-layers").hidden = !isOwn();
    fields.begin((chosen ?? custom).values);
    presets.show();
    check();
  };

  // --- whether it can be trained, said before the visitor tries ------------------------------------------------

  const trainButton = find("[type=submit]", HTMLButtonElement);
  const fromCurrent = find("[name=init_from_current][value=yes]", HTMLInputElement);
  let isRunning = false;
  let problem = "";
  const allow = () => {
    const trials = sweep.read();
    trainButton.disabled = isRunning || Boolean(problem) || typeof trials === "string";
    trainButton.textContent =
      trials.length > 1 && typeof trials !== "string" ? `Train ${trials.length} networks` : "Train";
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
  const sweep = makeSweep(form, () => allow());
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
    fields.fill(given);
    presets.show();
  };
  on("settings", fill);
  fill(latest("settings"));

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const trials = sweep.read();
    if (typeof trials === "string") return; // it says so
    const settings = {
      architecture: architecture.value,
      ...(isOwn() && { layers: editor.rows() }),
      init_from_current: fromCurrent.checked,
      watch: find("[name=watch]", HTMLInputElement).checked,
      ...fields.read(),
    };
    start(settings, trials);
  });

  return {
    measure: presets.measure,
    /** @param {boolean} isNow */
    run: (isNow) => {
      isRunning = isNow;
      allow();
    },
  };
};
