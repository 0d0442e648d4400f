// The layers of the network that answers, and what the chosen one makes of the current picture. Only an open view asks
// the server for it, and only for that layer. Which of its maps is chosen is told to the others as the event "channel".

/** @import { LayerRow, Levels, Servers } from "../types.d.ts" */

import { call, want } from "../shared/api.js";
import { bytes } from "../shared/base64.js";
import { emit, latest, on } from "../shared/bus.js";
import { around, finder, showProblem, whenVisible } from "../shared/dom.js";
import { contextOf, fitCanvas, mapOf, signedImage } from "../shared/drawing.js";
import { facts } from "../shared/facts.js";
import { outputSize } from "../shared/formula.js";
import * as address from "../shared/address.js";
import { signedColours, themeColour } from "../shared/theme.js";

const TILES = [
  [20, 168],
  [10, 120],
  [6, 88],
  [0, 64],
]; // side of a map: in its own pixels, from .. -> at most on the page
const SQUARES = [
  [41, 20],
  [0, 44],
]; // values of a vector, from .. -> side of each on the page
const GAP = 6;
const TIP_SIDE = 140;

/**
 * @param {HTMLElement} element
 * @param {Servers["feature_maps"]} server
 */
export const mount = (element, server) => {
  const holder = around(element, "#feature_maps");
  const find = finder(element);
  const list = find(".layers");
  const field = find(".field");
  const tiles = find(".tiles", HTMLCanvasElement);
  const [tip, tipCanvas] = [find(".tip"), find(".tip canvas", HTMLCanvasElement)];
  const each = find(".each", HTMLInputElement);
  const scale = find(".scale canvas", HTMLCanvasElement);
  let layers = facts.layers; // rows of the table of layers of the network that answers
  /** @type {Levels | null} */
  let open = null; // what the chosen layer puts out; null while the pad is empty
  let chosen = layers[0].name;
  /** @type {number | null} */
  let channel = null; // the chosen map of that layer
  let grid = { tile: 0, gap: 0, columns: 1, count: 0 }; // of the tiles as they are painted
  let isVisible = false;
  let loads = 0; // how often layers were asked for
  let hasFailed = false; // the last time

  const row = () => layers.find(({ name }) => name === chosen) ?? layers[0];
  /** @param {string | undefined} name */
  const isLayer = (name) => layers.some((each) => each.name === name);
  const ask = () => want("maps", isVisible ? chosen : null);
  /** @param {string} name */
  const choose = (name) => {
    if (name !== chosen) {
      chooseChannel(null);
      clear();
    }
    chosen = name;
    address.set("layer", name === layers[0].name ? null : name);
    mark();
    ask();
  };
  /** @param {number | null} number */
  const chooseChannel = (number) => {
    if (number === channel) return;
    channel = number;
    emit("channel", number === null ? null : { layer: chosen, channel: number, count: grid.count });
    paint();
    address.set("channel", number === null ? null : String(number));
  };
  /** @param {number | null} number */
  const pickChannel = (number) => {
    linked = {};
    chooseChannel(number);
  };
  const mark = () => {
    list.querySelectorAll("button").forEach((button) => {
      const isChosen = button.dataset.layer === chosen;
      button.setAttribute("aria-current", String(isChosen));
      // On a phone, the layers are one row that can be wider than the screen.
      if (isChosen) list.scrollLeft = button.offsetLeft - list.offsetLeft - (list.clientWidth - button.offsetWidth) / 2;
    });
  };

  const build = () => {
    const active = document.activeElement;
    const focused = active instanceof HTMLElement && list.contains(active) && active.dataset.layer;
    list.replaceChildren(
      ...layers.map(({ name, kind, shape }) => {
        const item = document.createElement("li");
        const button = document.createElement("button");
        const [title, size] = [document.createElement("b"), document.createElement("span")];
        button.type = "button";
        button.dataset.layer = name;
        title.textContent = name;
        size.textContent = shape.join(" × ");
        item.className = kind === "convolution" || kind === "fully connected" ? "weighs" : "";
        button.append(title, size);
        button.addEventListener("click", () => {
          linked = {};
          choose(name);
        });
        item.append(button);
        return item;
      }),
    );
    mark();
    if (focused && isLayer(focused)) find(`[data-layer="${focused}"]`).focus({ preventScroll: true });
  };

  /**
   * How the size of the maps comes about, and how many numbers training adjusts.
   * @param {LayerRow} row
   */
  const formula = (row) => {
    const { f, p, s, d, parameters } = row;
    const above = layers[layers.indexOf(row) - 1]?.shape ?? [1, facts.size, facts.size];
    const sum = f && p && s && d && outputSize(above[1], f[0], p[0], s[0], d[0]).sum;
    const count = parameters ? parameters.toLocaleString("en") : "no";
    return [sum && `output height ${sum}`, `${count} trainable parameters`].filter(Boolean).join(" · ");
  };

  /**
   * The maps of one layer, side by side; a vector is shown as rows of squares.
   * @type {(levels: Levels, colours: number[][]) => number}
   */
  const paintTiles = ({ shape, tops, values }, colours) => {
    const isVector = shape.length === 1;
    const [channels, height, width] = isVector ? [1, 1, shape[0]] : shape;
    const levels = bytes(values);
    const top = Math.max(...tops);
    const room = field.clientWidth;
    const gap = isVector ? 2 : GAP;
    const count = isVector ? width : channels;
    const [, largest] = (isVector ? SQUARES : TILES).find(([from]) => (isVector ? count : height) >= from) ?? [0, 0];
    // All in one row if that makes them not much smaller.
    const tile = Math.min(largest, Math.max(Math.round(0.6 * largest), Math.floor((room + gap) / count) - gap));
    const columns = Math.max(1, Math.min(count, Math.floor((room + gap) / (tile + gap))));
    const lines = Math.ceil(count / columns);
    grid = { tile, gap, columns, count };
    const context = fitCanvas(tiles, columns * (tile + gap), lines * (tile + gap));
    context.imageSmoothingEnabled = false;
    for (let c = 0; c < count; c++) {
      const [x, y] = [(c % columns) * (tile + gap) + gap / 2, Math.floor(c / columns) * (tile + gap) + gap / 2];
      if (isVector) {
        context.fillStyle = `rgb(${colours[levels[c]].join()})`;
        context.fillRect(x, y, tile, tile);
      } else {
        const fraction = each.checked ? 1 : tops[c] / top;
        context.drawImage(
          signedImage(levels.subarray(c * height * width), width, height, colours, fraction),
          x,
          y,
          tile,
          tile,
        );
      }
      if (c !== channel) continue;
      context.strokeStyle = themeColour("--color-accent");
      context.lineWidth = gap / 2 + 1;
      context.strokeRect(x - gap / 4, y - gap / 4, tile + gap / 2, tile + gap / 2);
    }
    return top;
  };

  /** @param {number} number */
  const nameOf = (number) => `${open?.shape.length === 1 ? "Number" : "Map"} ${number + 1} of ${grid.count}`;

  const paint = () => {
    if (!open || !field.clientWidth) return;
    const colours = signedColours();
    const { kind, words } = row();
    find(".title").textContent = chosen;
    find(".what").textContent = `${kind}, ${open.shape.join(" × ")}`;
    find(".words").textContent = words;
    find(".formula").textContent = formula(row());
    const top = paintTiles(open, colours);
    const isVector = open.shape.length === 1;
    each.disabled = isVector;
    tiles.setAttribute("role", "application"); // arrow keys choose
    tiles.setAttribute("aria-roledescription", "row of maps");
    tiles.setAttribute(
      "aria-label",
      `Output of ${chosen}: ${grid.count} ${isVector ? "numbers" : "maps"}; arrow keys choose one` +
        (channel === null ? "" : `. Chosen: ${nameOf(channel)}`),
    );
    const ends = each.checked && !isVector ? ["−1", "1"] : [`−${top.toPrecision(3)}`, top.toPrecision(3)];
    [find(".low").textContent, find(".high").textContent] = ends;
    const context = contextOf(scale);
    [scale.width, scale.height] = [256, 1];
    colours.forEach((colour, i) => {
      context.fillStyle = `rgb(${colour.join()})`;
      context.fillRect(i, 0, 1, 1);
    });
    holder.dataset.open = chosen;
  };

  // --- hover, click and keys -----------------------------------------------------------------------------------

  /** @param {MouseEvent} event */
  const under = (event) => {
    if (!open) return null;
    const { tile, gap, columns, count } = grid;
    const [column, line] = [event.offsetX, event.offsetY].map((place) => Math.floor(place / (tile + gap)));
    const number = line * columns + column;
    return column >= 0 && column < columns && number >= 0 && number < count ? number : null;
  };
  tiles.addEventListener("click", (event) => {
    const number = under(event);
    if (number === null) return;
    pickChannel(number === channel ? null : number);
    if (channel !== null) emit("showchannel");
  });
  tiles.addEventListener("pointermove", (event) => {
    const number = event.pointerType === "mouse" ? under(event) : null;
    tip.hidden = number === null;
    tiles.style.cursor = number === null ? "default" : "pointer";
    if (number === null || !open) return;
    const isVector = open.shape.length === 1;
    const map = mapOf(open, number);
    tipCanvas.hidden = isVector;
    find(".tip span").textContent = `${nameOf(number)}: ${map.words}`;
    if (!isVector) {
      const fraction = each.checked ? 1 : map.top / Math.max(...open.tops);
      const context = fitCanvas(tipCanvas, TIP_SIDE, TIP_SIDE);
      context.imageSmoothingEnabled = false;
      const image = signedImage(map.levels, map.width, map.height, signedColours(), fraction);
      context.drawImage(image, 0, 0, TIP_SIDE, TIP_SIDE);
    }
    const { tile, gap, columns } = grid;
    const [x, y] = [(number % columns) * (tile + gap), Math.floor(number / columns) * (tile + gap)];
    tip.style.left = `${Math.min(x + tile + gap + 4, tiles.clientWidth - TIP_SIDE - 20)}px`;
    tip.style.top = `${y + tile + gap + 4}px`;
  });
  tiles.addEventListener("pointerleave", () => (tip.hidden = true));
  tiles.addEventListener("keydown", (event) => {
    if (!open || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -grid.columns, ArrowDown: grid.columns }[event.key];
    if (event.key === "Escape" && channel !== null) pickChannel(null);
    else if (step) pickChannel(channel === null ? 0 : Math.max(0, Math.min(grid.count - 1, channel + step)));
    else return;
    event.preventDefault();
  });
  each.addEventListener("change", paint);

  // --- what comes from the server ------------------------------------------------------------------------------

  // Blank, but as large as before: nothing below may jump while one draws.
  const clear = () => {
    open = null;
    tip.hidden = true;
    contextOf(tiles).clearRect(0, 0, tiles.width, tiles.height);
    holder.dataset.open = "";
  };
  // Two networks may have layers of the same name.
  /** @param {Levels} levels */
  const isAsShaped = ({ shape }) => shape.join() === row().shape.join();

  on("answer", (answer) => {
    if (answer.empty !== undefined) {
      clear();
    } else if (answer.maps?.layer === chosen && isAsShaped(answer.maps)) {
      open = answer.maps;
      paint();
      restoreChannel();
    }
  });
  // Another network: its layers first, then what it makes of the picture.
  const load = async () => {
    const mine = ++loads;
    const reply = await call(server.layers, {});
    if (mine !== loads) return; // the network was changed again
    showProblem(element, reply.error);
    hasFailed = reply.error !== undefined;
    if (reply.error !== undefined) return;
    layers = reply.layers;
    emit("layers", layers);
    build();
    choose([linked.layer, chosen].find(isLayer) ?? layers[0].name);
    emit("wants"); // an answer that came before its layers were known was of no use
  };
  on("network", () => {
    clear();
    chooseChannel(null);
    load();
  });
  on("closechannel", () => {
    pickChannel(null);
    tiles.focus({ preventScroll: true });
  });
  on("theme", paint);
  new ResizeObserver(paint).observe(field);
  whenVisible(around(element, "#inside"), (visible) => {
    isVisible = visible;
    mark();
    ask();
    if (isVisible && hasFailed) load();
  });

  // The layer and the channel of a link, until the visitor picks others. They may be those of another network, which is
  // only just being asked for.
  /** @type {{ layer?: string, channel?: string | null }} */
  let linked = {};
  const restoreChannel = () => {
    const network = address.get("network");
    if (!linked.channel || !open || linked.layer !== chosen) return;
    if (network && network !== latest("answer")?.network) return;
    const number = Number(linked.channel);
    if (Number.isInteger(number) && number >= 0 && number < grid.count) chooseChannel(number);
  };
  const readLink = () => {
    const layer = address.get("layer") ?? layers[0].name;
    linked = { layer, channel: address.get("channel") };
    if (isLayer(layer)) choose(layer);
    if (!linked.channel) chooseChannel(null);
    restoreChannel();
  };
  build();
  on("link", readLink);
  readLink();
};
