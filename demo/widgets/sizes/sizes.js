// The table of layers, and a calculator for the size that a layer puts out, with a drawing of it.

/** @import { LayerRow, Pair } from "../types.d.ts" */

import { latest, on } from "../shared/bus.js";
import { around, finder } from "../shared/dom.js";
import { fitCanvas } from "../shared/drawing.js";
import { facts } from "../shared/facts.js";
import { outputSize } from "../shared/formula.js";
import { themeColour } from "../shared/theme.js";

/** @param {HTMLElement} element */
export const mount = (element) => {
  const find = finder(element);
  const canvas = find("canvas", HTMLCanvasElement);
  /** @param {string} name */
  const input = (name) => find(`[data-of=${name}]`, HTMLInputElement);

  /** @param {number[]} sizes */
  const shape = (sizes) => sizes.join(" × ");
  /** @param {Pair | null} pair */
  const side = (pair) => (pair ? (pair[0] === pair[1] ? String(pair[0]) : shape(pair)) : "");
  /** @type {(row: LayerRow, shape: number[]) => HTMLTableRowElement} */
  const lineOf = (row, [, height, width]) => {
    const line = document.createElement("tr");
    const cells = [
      row.name,
      row.kind,
      side(row.f),
      side(row.p),
      side(row.s),
      side(row.d),
      shape(row.shape),
      row.parameters.toLocaleString("en"),
      row.operations.toLocaleString("en"),
    ];
    cells.forEach((text) => (line.insertCell().textContent = text));
    if (!row.f) return line;
    const name = Object.assign(document.createElement("button"), { type: "button", textContent: row.name });
    name.title = `Take the numbers of ${row.name}`;
    line.cells[0].replaceChildren(name); // for the keyboard; a click anywhere in the row does the same
    line.className = "takes";
    line.addEventListener("click", () => {
      const pairs = { n: [height, width], f: row.f, p: row.p, s: row.s, d: row.d };
      for (const [name, pair] of Object.entries(pairs)) {
        pair?.forEach((value, i) => (input(name + i).value = String(value)));
      }
      show();
    });
    return line;
  };
  /** @type {(rows: LayerRow[], what: "parameters" | "operations") => string} */
  const total = (rows, what) => rows.reduce((sum, row) => sum + row[what], 0).toLocaleString("en");
  /** @param {LayerRow[]} rows */
  const list = (rows) => {
    find("table").classList.toggle(
      "undilated",
      rows.every(({ d }) => !d || (d[0] === 1 && d[1] === 1)),
    );
    find("tbody").replaceChildren(
      ...rows.map((row, i) => lineOf(row, rows[i - 1]?.shape ?? [1, facts.size, facts.size])),
    );
    const all = document.createElement("tr");
    const texts = ["all", "", "", "", "", "", "", total(rows, "parameters"), total(rows, "operations")];
    texts.forEach((text) => (all.insertCell().textContent = text));
    find("tfoot").replaceChildren(all);
  };
  list(latest("layers") ?? facts.layers);
  on("layers", list);

  const show = () => {
    const values = ["n", "f", "p", "s", "d"].map((name) => [0, 1].map((i) => input(name + i).valueAsNumber));
    const [n, f, p, s, d] = values;
    const [down, across] = [0, 1].map((i) => outputSize(n[i], f[i], p[i], s[i], d[i]));
    const result = find(".result");
    const wrong = [down.wrong && `height: ${down.wrong}`, across.wrong && `width: ${across.wrong}`].filter(Boolean);
    result.classList.toggle("wrong", wrong.length > 0);
    result.replaceChildren();
    const lines = wrong.length
      ? wrong
      : [`height ${down.sum}`, `width ${across.sum}`, `output ${down.size} × ${across.size}`];
    lines.forEach((text) => result.append(Object.assign(document.createElement("span"), { textContent: text })));
    result.dataset.size = wrong.length ? "" : `${down.size}x${across.size}`;
    if (!wrong.length) draw(n, f, p, s, d, [down.size, across.size]);
  };

  /**
   * Left the input (padding dashed, the filter's first place in colour), right the output.
   * @type {(n: number[], f: number[], p: number[], s: number[], d: number[], size: number[]) => void}
   */
  const draw = (n, f, p, s, d, size) => {
    const room = around(canvas, "div").clientWidth;
    if (!room) return;
    const width = Math.min(room, 640);
    const [rows, columns] = [n[0] + 2 * p[0], n[1] + 2 * p[1]];
    const between = 44;
    const cell = Math.min(22, (width - between - 4) / (columns + size[1]), 360 / Math.max(rows, size[0]));
    const height = Math.ceil(cell * Math.max(rows, size[0])) + 4;
    const context = fitCanvas(canvas, width, height);
    const accent = themeColour("--color-accent");
    const ink = themeColour("--body-text-color");
    /** @type {(left: number, top: number, lines: number, places: number, colour: string) => void} */
    const grid = (left, top, lines, places, colour) => {
      context.strokeStyle = colour;
      context.lineWidth = 1;
      context.beginPath();
      for (let i = 0; i <= lines; i++) {
        context.moveTo(left, top + i * cell);
        context.lineTo(left + places * cell, top + i * cell);
      }
      for (let j = 0; j <= places; j++) {
        context.moveTo(left + j * cell, top);
        context.lineTo(left + j * cell, top + lines * cell);
      }
      context.stroke();
    };
    const line = themeColour("--border-color-primary");
    const [left, top] = [2, 2];
    grid(left, top, rows, columns, line);
    context.fillStyle = themeColour("--track");
    context.fillRect(left + p[1] * cell, top + p[0] * cell, n[1] * cell, n[0] * cell);
    grid(left + p[1] * cell, top + p[0] * cell, n[0], n[1], themeColour("--bar"));
    context.fillStyle = context.strokeStyle = accent;
    context.globalAlpha = 0.3;
    for (let i = 0; i < f[0]; i++) {
      for (let j = 0; j < f[1]; j++) context.fillRect(left + j * d[1] * cell, top + i * d[0] * cell, cell, cell);
    }
    context.globalAlpha = 1;
    context.lineWidth = 2;
    context.strokeRect(left, top, (d[1] * (f[1] - 1) + 1) * cell, (d[0] * (f[0] - 1) + 1) * cell);
    // every other place of the filter, by its first corner
    for (let i = 0; i < size[0]; i++) {
      for (let j = 0; j < size[1]; j++) {
        context.beginPath();
        context.arc(
          left + (j * s[1] + 0.5) * cell,
          top + (i * s[0] + 0.5) * cell,
          Math.max(1, cell / 7),
          0,
          2 * Math.PI,
        );
        context.fill();
      }
    }
    const out = left + columns * cell + between;
    context.globalAlpha = 0.3;
    context.fillRect(out, top, cell, cell);
    context.globalAlpha = 1;
    grid(out, top, size[0], size[1], accent);
    context.fillStyle = ink;
    context.font = "20px system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText("→", out - between / 2, top + (cell * Math.max(rows, size[0])) / 2);
  };

  element.querySelectorAll("input").forEach((field) => field.addEventListener("input", show));
  find("form").addEventListener("submit", (event) => event.preventDefault());
  on("theme", show);
  new ResizeObserver(show).observe(around(canvas, "div"));
  show();
};
