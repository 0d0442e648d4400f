// The header of the page: what it is for, the tour, light or dark. It is the first widget to work, and asks the server for
// the facts that all others wait for; until they come, the header says why.

/** @import { Servers } from "../types.d.ts" */

import { call } from "../shared/api.js";
import { emit } from "../shared/bus.js";
import { finder } from "../shared/dom.js";
import { tell } from "../shared/facts.js";
import { recall, store } from "../shared/storage.js";

const PAUSE = 2000; // milliseconds between two questions

/**
 * @param {HTMLElement} element
 * @param {Servers["page_header"]} server
 */
export const mount = (element, server) => {
  const find = finder(element);
  const lead = find("p");
  const words = [...lead.childNodes];

  const begin = async () => {
    const facts = await call(server.facts, {});
    lead.replaceChildren(...(facts.error === undefined ? words : [facts.error]));
    if (facts.error !== undefined) return void setTimeout(begin, PAUSE);
    find(".train").hidden = !facts.training.isOpen;
    tell(facts);
  };
  begin();

  find(".guide").addEventListener("click", () => emit("tour"));
  const theme = recall("theme");
  if (theme && !location.search.includes("__theme")) document.body.classList.toggle("dark", theme === "dark");
  find(".theme").addEventListener("click", () => {
    store("theme", document.body.classList.toggle("dark") ? "dark" : "light");
  });
};
