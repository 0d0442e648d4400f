// Training as the visitor sees it: start, progress, curves, stop, the outcome, and back to the shipped weights.
//
// The server keeps the run; this view asks for what is new a few times a second. A reloaded page takes it up again.

/** @import { Servers, TrainEvent, TrainSettings } from "../types.d.ts" */
/** @import { Trial } from "./sweep.js" */

import { call } from "../shared/api.js";
import { emit, latest, on } from "../shared/bus.js";
import { bringIntoView, finder } from "../shared/dom.js";
import { facts } from "../shared/facts.js";
import * as address from "../shared/address.js";
import { duration } from "../shared/text.js";
import { makeControls } from "./controls.js";
import { makeCurves } from "./curves.js";
import { makeForm } from "./form.js";
import { makeFormation } from "./formation.js";
import { makeKeeping } from "./keeping.js";

const PAUSE = 200; // milliseconds between two questions
const FAILED_PAUSE = 2000; // after one that was not answered

export let isMounted = false; // before that, nobody here asks what becomes of a run

/**
 * @param {HTMLElement} element
 * @param {Servers["training"]} server
 */
export const mount = (element, server) => {
  isMounted = true;
  const find = finder(element);
  const root = find(".training");
  const patience = 1000 * (facts.training.patience ?? Infinity); // milliseconds, after which the server too has given up

  const formation = makeFormation(find(".formation"), server);
  const controls = makeControls(find(".controls"), server);
  const curves = makeCurves(find(".curves"));
  let [steps, epochs, learningRate] = [1, 1, 0]; // by what is known now; the highest rate
  /** @type {TrainSettings | null} */
  let settings = null; // of the run, if this page has started it
  /** @type {{ trials: Trial[], at: number, from: string | undefined } | null} */
  let sweep = null; // of which the run is a part; which of its trials that is; the network that answered before
  let watching = false;
  let stopping = false;
  let isPast = false; // the run had ended before this page was opened: all else here knows what came of it
  let why = ""; // it was stopped, when the visitor did not ask for that
  let told = ""; // of the outcome

  /** @type {(sentence: string, state?: string) => void} */
  const show = (sentence, state = root.dataset.state) => {
    if (state !== root.dataset.state) find(".status").setAttribute("aria-live", "polite");
    const place = sweep ? `Network ${sweep.at + 1} of ${sweep.trials.length} (${sweep.trials[sweep.at].name}): ` : "";
    find(".status").textContent = place + sentence;
    root.dataset.state = state;
  };
  /** @param {number} fraction */
  const progress = (fraction) => {
    find(".progress i").style.transform = `scaleX(${fraction})`;
    find(".progress").setAttribute("aria-valuenow", String(Math.round(100 * fraction)));
  };
  const [stopButton, restoreButton] = ["#stop", "#restore"].map((id) => find(id, HTMLButtonElement));
  /** @type {(isRunning: boolean, canStop?: boolean) => void} */
  const buttons = (isRunning, canStop = isRunning) => {
    form.run(isRunning);
    restoreButton.disabled = isRunning; // else the trained network would come after all
    stopButton.disabled = !canStop;
    find(".controls").hidden = !isRunning;
  };
  /** @param {number} fraction */
  const percent = (fraction) => `${(100 * fraction).toFixed(1)} %`;

  /** @param {number} step */
  const showPaused = (step) =>
    show(
      `Paused after step ${step} of ${steps}. It waits ${duration(facts.training.pauseSeconds)} at most, all pauses together; then it ends with its best weights so far.`,
      "paused",
    );

  // --- the run -------------------------------------------------------------------------------------------------

  const answersNow = () => {
    address.set("network", null); // it is not the one of the link
    emit("network");
  };

  /** @param {string} name of the network that has just been trained; where another one has it, it keeps its number */
  const nameIt = async (name) => {
    const which = await call(server.which, {});
    if (which.error === undefined) await call(server.rename, { network: which.network, name });
    answersNow();
  };

  // A phone that locks its screen asks nothing any more, and the server ends the run.
  const stayAwake = () => navigator.wakeLock?.request("screen").catch(() => null); // it may be forbidden
  /** @type {ReturnType<typeof stayAwake> | null} */
  let awake = null;
  document.addEventListener("visibilitychange", () => {
    if (watching && document.visibilityState === "visible") awake = stayAwake();
  });

  /** @param {TrainEvent} event */
  const take = (event) => {
    controls.take(event);
    if (event.event === "Waiting") {
      show(
        event.place === 1
          ? "Waiting: one visitor before you is training."
          : `Waiting: ${event.place} visitors before you.`,
        "waiting",
      );
    } else if (event.event === "Loading") {
      show("Starting …", "running");
    } else if (event.event === "Started") {
      [steps, epochs, learningRate] = [event.steps, event.epochs, event.learning_rate];
      curves.begin(steps);
      show(
        `Learning from ${event.training_images.toLocaleString("en")} images (${event.device}), ${event.validation_images.toLocaleString("en")} held out.`,
        "running",
      );
    } else if (event.event === "StepDone") {
      curves.addStep(event);
      progress(event.step / event.steps);
      if (stopping) return;
      find(".status").setAttribute("aria-live", "off"); // not read aloud several times a second
      show(
        `Epoch ${event.epoch} of ${epochs}: accuracy ${percent(event.accuracy)}, ${Math.round(event.images_per_second).toLocaleString("en")} images a second, ${duration(event.seconds_left)} left.`,
      );
    } else if (event.event === "EpochDone") {
      curves.addEpoch(event);
      if (settings) form.measure(settings, event);
    } else if (event.event === "Changed") {
      const more = event.epochs - epochs;
      const words = [
        ...(event.learning_rate === learningRate ? [] : [`rate ${event.learning_rate}`]),
        ...(more ? [`${more} epoch${more > 1 ? "s" : ""} more`] : []),
      ];
      curves.addChange(event.step, event.steps, words.join(", "));
      [steps, epochs, learningRate] = [event.steps, event.epochs, event.learning_rate];
      progress(event.step / steps);
      if (root.dataset.state === "paused" && !stopping) showPaused(event.step);
    } else if (event.event === "Paused") {
      if (!stopping) showPaused(event.step);
    } else if (event.event === "Continued") {
      show("Going on …", "running");
    } else if (event.event === "SnapshotTaken") {
      formation.add(event, isPast);
    } else if (event.event === "Stopping") {
      [why, stopping] = [`, ${event.why}`, true];
      controls.lock();
      show(`Stopping (${event.why}) …`, "running");
    } else if (event.event === "Finished") {
      show(event.stopped ? "Stopped; the best weights so far are kept. Testing …" : "Done. Testing …", "testing");
      curves.keep(event.best_epoch);
      stopButton.disabled = true;
    } else if (event.event === "Tested") {
      find(".outcome").hidden = false;
      find(".before").textContent = percent(event.before);
      find(".after").textContent = percent(event.after);
      find(".before-sketches").textContent = event.before_sketches === null ? "–" : percent(event.before_sketches);
      find(".after-sketches").textContent = event.after_sketches === null ? "–" : percent(event.after_sketches);
      told = `${event.stopped ? "Stopped after" : "Trained in"} ${duration(event.seconds)}${why}. Your network: accuracy ${percent(event.after)} on ${event.images.toLocaleString("en")} test images.`;
      show(`${told} Making its map …`, "trained");
      if (sweep) nameIt(sweep.trials[sweep.at].name);
      else if (!isPast) answersNow();
    } else if (event.event === "Mapped") {
      show(told);
      if (!isPast) emit("mapped");
    } else if (event.event === "Failed") {
      show(event.sentence, "failed");
    } else if (event.event === "Restored") {
      reset();
      show("Back to the shipped weights.", "idle");
      emit("restored");
      answersNow();
    }
  };

  const reset = () => {
    [stopping, isPast, why] = [false, false, ""];
    find(".outcome").hidden = true;
    controls.lock();
    curves.clear();
    formation.clear();
    progress(0);
  };

  const watch = async () => {
    if (watching) return;
    watching = true;
    let seen = 0;
    let answered = performance.now();
    if (!isPast) awake = stayAwake();
    for (;;) {
      const reply = await call(server.train_state, { seen });
      if (reply.error !== undefined) {
        if (performance.now() - answered > patience) {
          show(reply.error, "failed");
          break;
        }
      } else {
        answered = performance.now();
        reply.events.forEach(take);
        if (reply.events.length) curves.draw();
        seen = reply.seen;
        buttons(reply.alive, !stopping && root.dataset.state !== "testing" && root.dataset.state !== "trained");
        if (!reply.alive) {
          if (root.dataset.state === "trained")
            show(told); // also without a map, when that took too long
          else if (root.dataset.state !== "failed") show("This training is no longer on the server.", "failed");
          break;
        }
      }
      await new Promise((resolve) => setTimeout(resolve, reply.error ? FAILED_PAUSE : PAUSE));
    }
    watching = false;
    buttons(false);
    const wasAwake = awake;
    if (sweep && root.dataset.state === "trained") goOn(sweep);
    else sweep = null;
    (await wasAwake)?.release();
  };

  // The page starts the trials of a sweep one by one, each at the end of the line: others come in between.
  /** @param {NonNullable<typeof sweep>} done */
  const goOn = async (done) => {
    const { trials, from } = done;
    if (settings && !stopping && done.at + 1 < trials.length) {
      sweep = { ...done, at: done.at + 1 };
      if (settings.init_from_current && from) await call(server.choose, { network: from }); // all start from the same
      begin({ ...settings, ...trials[sweep.at].changes });
      return;
    }
    sweep = null;
    const count = done.at + 1;
    show(`${count} of ${trials.length} networks are trained: “Compare” shows them side by side.`);
    if (element.offsetParent) emit("tab", "compare");
  };

  /** @type {(wanted: TrainSettings, trials: Trial[]) => void} */
  const start = (wanted, trials) => {
    sweep = trials.length ? { trials, at: 0, from: latest("answer")?.network } : null;
    begin({ ...wanted, ...trials[0]?.changes });
  };

  /** @param {TrainSettings} wanted */
  const begin = async (wanted) => {
    reset();
    settings = wanted;
    show("Starting …", "running");
    bringIntoView(find(".status")); // a long list of layers may be between
    buttons(true);
    bringIntoView(find("section"));
    const answer = latest("answer");
    const pixels = answer?.empty === undefined ? answer?.pixels : undefined; // they are to be in the snapshots
    const reply = await call(server.train_start, { settings, ...(pixels && { pixels }) });
    if (reply.error !== undefined) {
      show(reply.error, "failed");
      buttons(false);
      const known = await call(server.train_state, { seen: 0 });
      sweep = null;
      if (known.error !== undefined || !known.alive) return; // else that is why: it was lost sight of
    }
    watch();
  };
  const form = makeForm(find("#train-form", HTMLFormElement), server, start);
  stopButton.addEventListener("click", async () => {
    stopping = true;
    show("Stopping …", "running");
    stopButton.disabled = true;
    const reply = await call(server.train_stop, {});
    if (reply.error === undefined) return controls.lock();
    stopping = false;
    show(reply.error);
  });
  restoreButton.addEventListener("click", async () => {
    const reply = await call(server.restore, {});
    take(reply.error !== undefined ? { event: "Failed", sentence: reply.error } : { event: "Restored" });
  });

  makeKeeping(find(".keep"), server, answersNow);

  on("theme", () => {
    curves.draw();
    formation.draw();
  });
  if (!facts.training.isOpen) {
    show(
      "Training is switched off on this server. To train a network yourself, run this program on your own computer.",
      "closed",
    );
    return;
  }
  // A run of before a reload is taken up where it is.
  call(server.train_state, { seen: 0 }).then((reply) => {
    if (reply.error !== undefined || !reply.events.length || watching) return;
    isPast = !reply.alive;
    watch();
  });
};
