// Widgets hear of each other by the events that they emit and listen to here. Which ones there are: Events in types.d.ts.

/** @import { Events, Detail } from "../types.d.ts" */

/** @type {Map<keyof Events, ((detail: any) => void)[]>} */
const listeners = new Map();
/** @type {Partial<Events>} */
const last = {};

/**
 * @template {keyof Events} Name
 * @param {Name} event
 * @param {(detail: Events[Name]) => void} listener
 */
export const on = (event, listener) => {
  listeners.set(event, [...(listeners.get(event) ?? []), listener]);
};

/**
 * @template {keyof Events} Name
 * @param {Name} event
 * @param {Detail<Name>} detail
 */
export const emit = (event, ...[detail]) => {
  last[event] = detail;
  for (const listener of listeners.get(event) ?? []) {
    try {
      listener(detail);
    } catch (problem) {
      reportError(problem); // of one view, which must not stop the others
    }
  }
};

/**
 * For a view that is made later, when its tab is first opened.
 * @template {keyof Events} Name
 * @param {Name} event
 */
export const latest = (event) => last[event];
