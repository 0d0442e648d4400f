// How the page writes names and numbers.

/** @param {string} text */
export const unbroken = (text) => text.replaceAll("T-shirt", "T\u2011shirt"); // at its hyphen

/** @param {number} part a probability */
export const percent = (part) => (part > 0 && part < 0.005 ? "<1 %" : `${Math.round(100 * part)} %`);
