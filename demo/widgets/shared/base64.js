// Lists of numbers as the server sends them.

/** @param {string} base64 */
export const bytes = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

/** @param {string} base64 */
export const words16 = (base64) => new Uint16Array(bytes(base64).buffer);

/** @param {string} base64 */
export const floats32 = (base64) => new Float32Array(bytes(base64).buffer);

/** @param {Uint8Array} values */
export const base64 = (values) => btoa(String.fromCharCode(...values));
