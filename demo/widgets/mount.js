// Puts the widgets to work. All but the page header wait until the server has told the facts and all code is here: none of it is
// run before, so that each module finds the facts and the test samples there from the start, and no widget misses what
// another one says first.

import { server } from "./shared/api.js";
import { told } from "./shared/facts.js";

const ready = told.then(() => {
  const links = document.querySelectorAll('link[rel="modulepreload"]');
  return Promise.allSettled(Array.from(links, (link) => import(/** @type {HTMLLinkElement} */ (link).href)));
});

/**
 * @param {string} name of the widget and of its folder
 * @param {HTMLElement} element that holds its template
 */
export const mount = async (name, element) => {
  if (name !== "page_header") await ready; // it is what asks for the facts
  const widget = await import(`./${name}/${name}.js`);
  widget.mount(element, server);
};
