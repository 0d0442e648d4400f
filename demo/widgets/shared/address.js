// What of the page is open, kept in its address: such a link opens the same view elsewhere. What comes out of it may have
// been made up by anyone.

const parts = () => new URLSearchParams(location.hash.slice(1));

/** @param {string} key */
export const get = (key) => parts().get(key);

/**
 * @param {string} key
 * @param {string | null} value null: not in the link any more
 */
export const set = (key, value) => {
  if (get(key) === value) return; // a stroke says so at every point
  const changed = parts();
  if (value === null) changed.delete(key);
  else changed.set(key, value);
  try {
    history.replaceState(history.state, "", changed.size ? `#${changed}` : location.pathname + location.search);
  } catch {
    // Safari allows a hundred changes in half a minute: the address is right again at the next one
  }
};
