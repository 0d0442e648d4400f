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
 * What the server replies, or a sentence about why not: its functions swallow their exceptions, and then answer nothing
 * at all.
 * @template Request, Reply
 * @param {Ask<Request, Reply>} serverFunction
 * @param {Request} request
 * @returns {Promise<Answered<Reply>>}
 */
export const call = async (serverFunction, request) => {
  let timer;
  try {
    const silence = new Promise((resolve) => (timer = setTimeout(resolve, PATIENCE)));
    const reply = await Promise.race([serverFunction({ visitor, ...request }), silence]);
    if (reply && typeof reply === "object") return reply;
  } catch {
    // the network is down, or the server has gone
  } finally {
    clearTimeout(timer);
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
