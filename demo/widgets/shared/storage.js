// What this browser remembers of earlier visits; nothing where storage is forbidden.

/** @param {string} key */
export const recall = (key) => {
  try {
    return localStorage.getItem(`fmnist-${key}`);
  } catch {
    return null;
  }
};

/**
 * @param {string} key
 * @param {string} value
 */
export const store = (key, value) => {
  try {
    localStorage.setItem(`fmnist-${key}`, value);
  } catch {
    // it lasts as long as the page
  }
};
