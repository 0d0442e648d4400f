// What can be wanted of a training while it runs: a pause, one epoch more, another learning rate.

/** @import { Servers, TrainChange, TrainEvent } from "../types.d.ts" */

import { call } from "../shared/api.js";
import { finder, findAll, showProblem } from "../shared/dom.js";
import { facts } from "../shared/facts.js";

/**
 * @param {HTMLElement} element
 * @param {Servers["training"]} server
 */
export const makeControls = (element, server) => {
  const find = finder(element);
  const pause = find("#pause", HTMLButtonElement);
  const more = find("#more", HTMLButtonElement);
  const rate = find("[name=rate]", HTMLInputElement);
  const factors = findAll(element, "[data-factor]").map((each) => find(`#${each.id}`, HTMLButtonElement));
  const highest = facts.training.settings.find(({ name }) => name === "epochs")?.high ?? Infinity;

  let isPaused = false;
  let isAsked = false; // whether it is to pause or go on, which it has not said yet
  let canChange = false;
  // As the visitor wants them; the training follows at its next step.
  let epochs = 0;
  let learningRate = 0;

  const show = () => {
    pause.textContent = isPaused ? "Go on" : "Pause";
    pause.disabled = !canChange || isAsked;
    more.disabled = !canChange || epochs >= highest;
    for (const input of [rate, ...factors]) input.disabled = !canChange;
  };

  /** @param {TrainChange} change */
  const ask = async (change) => {
    showProblem(element);
    const reply = await call(server.train_change, change);
    if (reply.error !== undefined) showProblem(element, reply.error);
    return reply.error === undefined;
  };

  pause.addEventListener("click", async () => {
    isAsked = true;
    show();
    if (await ask({ paused: !isPaused })) return;
    isAsked = false;
    show();
  });
  more.addEventListener("click", async () => {
    epochs += 1;
    show();
    if (await ask({ epochs })) return;
    epochs -= 1;
    show();
  });
  /** @param {number} value */
  const setRate = async (value) => {
    if (Number.isNaN(value)) {
      rate.value = String(learningRate);
      return;
    }
    const before = learningRate;
    learningRate = Number(value.toPrecision(3));
    rate.value = String(learningRate);
    if (await ask({ learning_rate: learningRate })) return;
    learningRate = before;
    rate.value = String(before);
  };
  rate.addEventListener("change", () => setRate(rate.valueAsNumber));
  for (const button of factors) {
    button.addEventListener("click", () => setRate(learningRate * Number(button.dataset.factor)));
  }

  return {
    /** @param {TrainEvent} event */
    take: (event) => {
      if (event.event === "Started" || event.event === "Changed") {
        [epochs, learningRate] = [Math.max(event.epochs, canChange ? epochs : 0), event.learning_rate];
        if (document.activeElement !== rate) rate.value = String(learningRate);
        canChange ||= event.event === "Started";
      } else if (event.event === "Paused" || event.event === "Continued") {
        isPaused = event.event === "Paused";
        isAsked = false;
      } else if (event.event === "Finished" || event.event === "Failed") {
        canChange = isPaused = isAsked = false;
      }
      show();
    },
    /** Before it has begun, and when it is to stop. */
    lock: () => {
      canChange = isPaused = isAsked = false;
      showProblem(element);
      show();
    },
  };
};
