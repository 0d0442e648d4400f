// Lists of numbers as the server sends them, and files as it is sent them.

/** @param {string} base64 */
export const bytes = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

/** @param {string} base64 */
export const words16 = (base64) => new Uint16Array(bytes(base64).buffer);

/** @param {string} base64 */
export const floats32 = (base64) => new Float32Array(bytes(base64).buffer);

/**
 * The contents of a file; null: it could not be read.
 * @param {File} file
 * @returns {Promise<string | null>}
 */
export const readFile = (file) =>
  new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).split(",", 2)[1] ?? "");
    reader.onerror = () => resolve(null);
    reader.readAsDataURL(file);
  });

/** @param {Uint8Array} values */
export const base64 = (values) => btoa(String.fromCharCode(...values));
