// Questions to the server: who asks, how long for, and what is wanted in an answer.

/** @import { Answered, Ask, Wanted } from "../types.d.ts" */

import { emit } from "./bus.js";

const PATIENCE = 60_000; // milliseconds for one answer, a photo's way up a slow line included

// Names this tab's visitor to the server. It outlives a reload, so that a trained network is not lost with it.
// (crypto.randomUUID would be shorter, but does not exist on plain http pages.)
const visitor = (() => {
  const fresh = () =>
    Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  try {
    const known = sessionStorage.getItem("fmnist-visitor") ?? fresh();
    sessionStorage.setItem("fmnist-visitor", known);
    return known;
  } catch {
    return fresh(); // storage is forbidden: the visitor lasts as long as the page
  }
})();

/**
 * The actions of the server, as functions: ``server.answer({ sample: 3 })``. Each is a POST to an address below that of
 * the page, wherever a proxy puts it.
 * @type {any} for each widget, those that types.d.ts names
 */
export const server = new Proxy(
  {},
  {
    get: (_, action) => async (/** @type {object} */ request) => {
      const reply = await fetch(new URL(`actions/${String(action)}`, document.baseURI), {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(request),
        signal: AbortSignal.timeout(PATIENCE),
      });
      return reply.json();
    },
  },
);

/**
 * What the server replies, or a sentence about why not.
 * @template Request, Reply
 * @param {Ask<Request, Reply>} action
 * @param {Request} request
 * @returns {Promise<Answered<Reply>>}
 */
export const call = async (action, request) => {
  try {
    const reply = await action({ visitor, ...request });
    if (reply && typeof reply === "object") return reply;
  } catch {
    // the network is down, the server has gone, or something before it speaks in its place
  }
  return { error: "The server did not answer. Try again in a moment." };
};

/**
 * Parts of answers that only an open view asks for, each with what it wants to know of it.
 * @type {Partial<Wanted>}
 */
export const wanted = {};

/**
 * @template {keyof Wanted} Part
 * @param {Part} part
 * @param {Wanted[Part] | null} value null: nothing any more
 */
export const want = (part, value) => {
  if (JSON.stringify(wanted[part] ?? null) === JSON.stringify(value)) return;
  if (value === null) {
    delete wanted[part];
    return;
  }
  wanted[part] = value;
  emit("wants");
};
