// What two networks make of the current picture: their bars, and the maps of a layer of each.

/** @import { Answer, NetworkRow, OpenAnswer, Servers } from "../types.d.ts" */

import { call } from "../shared/api.js";
import { makeBars } from "../shared/bars.js";
import { latest, on } from "../shared/bus.js";
import { finder } from "../shared/dom.js";
import { drawTiles } from "../shared/tiles.js";
import { unbroken } from "../shared/text.js";

const TILE = 44; // CSS pixels
const MAX_TILES = 48;

/**
 * @param {HTMLElement} element
 * @param {Servers["compare"]} server
 */
export const makeSamePicture = (element, server) => {
  const sides = ["first", "second"].map((name) => {
    const find = finder(finder(element)(`.${name}`));
    const select = find("select", HTMLSelectElement);
    const showBars = makeBars(find("ol"));
    /** @type {NetworkRow | null} */
    let network = null;
    /** @type {OpenAnswer | null} */
    let answer = null;

    const draw = () => {
      const words = answer ? unbroken(answer.words) : "the pad is empty";
      const [mark, text] = [document.createElement("i"), `${network?.name ?? ""}: ${words}`];
      mark.className = name;
      find("figcaption").replaceChildren(mark, text);
      showBars(answer?.probabilities ?? null);
      const canvas = find("canvas", HTMLCanvasElement);
      canvas.hidden = !answer?.maps;
      if (!answer?.maps) return;
      drawTiles(canvas, answer.maps, { tile: TILE, room: find("ol").clientWidth, most: MAX_TILES });
      canvas.setAttribute("aria-label", `${answer.maps.shape[0]} maps of ${answer.maps.layer} of ${network?.name}`);
    };
    /** @param {Answer | undefined} current */
    const ask = async (current) => {
      if (!network) return;
      if (current?.empty !== undefined || !current) {
        answer = null;
      } else {
        const { pixels, kind } = current;
        const reply = await call(server.answer_by, { pixels, kind, network: network.id, want: { maps: select.value } });
        if (reply.error !== undefined) return; // the next answer asks again
        answer = reply.empty === undefined ? reply : null;
      }
      draw();
    };
    /** @param {NetworkRow} other */
    const use = (other) => {
      const before = select.value;
      select.replaceChildren(...other.maps.map((layer) => new Option(layer, layer)));
      if (other.maps.includes(before)) select.value = before;
      find("label").hidden = !other.maps.length;
      network = other;
    };
    select.addEventListener("change", () => ask(latest("answer")));
    return { ask, draw, use };
  });

  // One question at a time to each network: a drawing changes faster than two of them answer.
  let isAsking = false;
  let isStale = false;
  let isPaused = true;
  const refresh = async () => {
    isStale = true;
    if (isAsking || isPaused) return;
    isAsking = true;
    while (isStale) {
      isStale = false;
      await Promise.all(sides.map(({ ask }) => ask(latest("answer"))));
    }
    isAsking = false;
  };
  on("answer", refresh);
  on("theme", () => sides.forEach(({ draw }) => draw()));

  return {
    /** @param {NetworkRow[]} pair */
    show: (pair) => {
      sides.forEach(({ use }, i) => use(pair[i]));
      refresh();
    },
    /** @param {boolean} value */
    pause: (value) => {
      isPaused = value;
      if (!isPaused && isStale) refresh();
    },
  };
};
