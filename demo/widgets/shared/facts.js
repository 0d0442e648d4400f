// What every widget knows from the start, the same for all visitors. The server tells it as soon as its network is
// loaded, which the browser may have to wait for.

/** @import { Facts } from "../types.d.ts" */

/** @type {Facts} */
export let facts;

/** @type {() => void} */
let arrived;
export const told = /** @type {Promise<void>} */ (new Promise((resolve) => (arrived = resolve)));

/** @param {Facts} them as the server told them */
export const tell = (them) => {
  facts = them;
  arrived();
};
