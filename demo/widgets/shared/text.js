// How the page writes names and numbers.

/** @param {string} text */
export const unbroken = (text) => text.replaceAll("T-shirt", "T\u2011shirt"); // at its hyphen

/** @param {number} fraction a probability */
export const percent = (fraction) => (fraction > 0 && fraction < 0.005 ? "<1 %" : `${Math.round(100 * fraction)} %`);

/** @param {number} seconds */
export const duration = (seconds) =>
  seconds < 90
    ? `${Math.ceil(seconds)} s`
    : `${Math.floor(Math.round(seconds) / 60)} min${Math.round(seconds) % 60 ? ` ${Math.round(seconds) % 60} s` : ""}`;
