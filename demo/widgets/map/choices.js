// What the visitor chooses about the marks: what places them, what they show, and one class alone; told in the note
// above the map and in the page's address.

/** @import { Layout, Points } from "../types.d.ts" */
/** @import { Marks } from "./marks.js" */

import { on } from "../shared/bus.js";
import { around, findAll, finder } from "../shared/dom.js";
import { facts } from "../shared/facts.js";
import * as address from "../shared/address.js";
import * as samples from "../shared/samples.js";
import { isDark } from "../shared/theme.js";

/** @typedef {"true" | "predicted" | "mistakes"} Marking what the marks show */

const LAYOUTS = {
  pca: "Seen from the two directions in which the embeddings differ most (principal components). Your place is exact.",
  tsne:
    "Arranged so that neighbours stay neighbours; distances between far groups mean nothing. Your place is an " +
    "estimate from the five nearest images.",
  pixels:
    "Without any network: seen from the two directions in which the pixels themselves differ most (principal " +
    "components). Your place is exact.",
};
const COLOURS = {
  true: "Each mark shows what the image is.",
  predicted: "Each mark shows the network's prediction.",
  mistakes: "Only images with a wrong prediction are in colour; the mark shows the prediction.",
};

/**
 * @param {HTMLElement} element
 * @param {object} parts
 * @param {Marks} parts.marks
 * @param {(layout: Layout) => void} parts.layoutAsked
 * @param {() => void} parts.styleChanged
 */
export const makeChoices = (element, { marks, layoutAsked, styleChanged }) => {
  const find = finder(element);
  const holder = around(element, "#map");
  const legend = find(".legend");
  /**
   * @template {string} Choice
   * @param {string} key
   * @param {Record<Choice, string>} words
   * @param {Choice} usual
   */
  const asked = (key, words, usual) => {
    const value = address.get(key);
    return value !== null && Object.hasOwn(words, value) ? /** @type {Choice} */ (value) : usual;
  };
  /** @type {Layout} */
  let layout = "pca";
  /** @type {Layout} */
  let wanted = "pca"; // the layout that the visitor chose, which this network may not have
  /** @type {Marking} */
  let colour = "true";
  /** @type {number | null} */
  let alone = null; // the class that is not faded, when one is chosen

  /** @type {(name: "layout" | "colour", value: Layout | Marking) => void} */
  const press = (name, value) => {
    for (const button of findAll(element, `[data-${name}]`)) {
      button.setAttribute("aria-pressed", String(button.dataset[name] === value));
    }
  };
  /** @param {Layout} name */
  const setLayout = (name) => {
    layout = name;
    press("layout", name);
    holder.dataset.layout = name;
  };
  /** @param {Marking} name */
  const setColour = (name) => {
    colour = name;
    press("colour", name);
    holder.dataset.colour = name;
  };

  /** @param {Points} points */
  const describe = ({ predictions, tsne }) => {
    const few = facts.samples.count.toLocaleString("en");
    const isMore = samples.count() > facts.samples.count && layout === "tsne";
    const wrong = predictions.filter((prediction, index) => prediction !== samples.labels[index]).length;
    const these = `These are ${wrong.toLocaleString("en")} of ${samples.count().toLocaleString("en")}.`;
    find(".note").textContent = [
      LAYOUTS[layout],
      isMore ? `So are the places of all images but the ${few} shipped ones.` : "",
      tsne ? "" : "t-SNE is not ready for this network.",
      COLOURS[colour],
      colour === "mistakes" ? these : "",
    ]
      .filter(Boolean)
      .join(" ");
  };

  /**
   * Gives each image the mark of a class, faded if the visitor wants to see others.
   * @param {Points} points
   */
  const style = ({ predictions }) => {
    const labels = colour === "true" ? samples.labels : predictions;
    /** @param {number} index */
    const isRight = (index) => predictions[index] === samples.labels[index];
    marks.style(
      labels,
      (index) => (colour === "mistakes" && isRight(index)) || (alone !== null && labels[index] !== alone),
    );
    holder.dataset.plain = String(marks.plain().length);
  };

  /** @param {number} label */
  const isolate = (label) => {
    alone = alone === label ? null : label;
    legend.querySelectorAll("button").forEach((button, each) => {
      button.setAttribute("aria-pressed", String(each === alone));
    });
    styleChanged();
  };
  const repaintLegend = () => {
    legend.querySelectorAll("button").forEach((button, label) => {
      button.firstChild?.replaceWith(marks.single(label, isDark()));
    });
  };

  facts.classes.forEach((name, label) => {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-pressed", "false");
    button.append(marks.single(label, isDark()), name);
    button.addEventListener("click", () => isolate(label));
    item.append(button);
    legend.append(item);
  });
  for (const name of /** @type {Layout[]} */ (Object.keys(LAYOUTS))) {
    find(`[data-layout=${name}]`).addEventListener("click", () => {
      wanted = name;
      address.set("layout", name);
      layoutAsked(name);
    });
  }
  for (const name of /** @type {Marking[]} */ (Object.keys(COLOURS))) {
    find(`[data-colour=${name}]`).addEventListener("click", () => {
      address.set("colour", name);
      setColour(name);
      styleChanged();
    });
  }
  const readLink = () => {
    layout = wanted = asked("layout", LAYOUTS, "pca");
    setColour(asked("colour", COLOURS, "true"));
  };
  on("link", () => {
    readLink();
    styleChanged();
    layoutAsked(layout);
  });
  readLink();

  return {
    setLayout,
    describe,
    style,
    repaintLegend,
    get layout() {
      return layout;
    },
    get wanted() {
      return wanted;
    },
  };
};
