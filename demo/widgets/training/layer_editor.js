// The layers of a network of one's own, a row for each. What they put out and what is impossible is the server's to say,
// as one types: it checks them anyway before it trains.

/** @import { LayerKind, OwnLayer, PlannedLayer } from "../types.d.ts" */

import { finder, saveFile, showProblem } from "../shared/dom.js";
import { facts } from "../shared/facts.js";
import { outputSize } from "../shared/formula.js";
import { recall, store } from "../shared/storage.js";

const NEW = "conv"; // what is added

/** @param {number} number */
const written = (number) => number.toLocaleString("en");
/** @param {number[]} numbers */
const sum = (numbers) => written(numbers.reduce((all, each) => all + each, 0));

/**
 * @param {HTMLElement} element
 * @param {() => void} changed the rows have: somebody should ask about them and `show` what comes of it
 */
export const makeLayerEditor = (element, changed) => {
  const find = finder(element);
  const { rows: original, kinds } = facts.training.custom;
  const list = find("ol");
  const file = find("[type=file]", HTMLInputElement);
  /** @param {string} id */
  const kindOf = (id) => kinds.find((kind) => kind.id === id) ?? kinds[0];
  /** @type {(id: string) => OwnLayer} */
  const fresh = (id) => ({
    layer: id,
    ...Object.fromEntries(kindOf(id).settings.map(({ name, value }) => [name, value])),
  });

  /**
   * @param {string} text as this page writes it, or somebody in a file: only the server says whether the numbers will do
   * @returns {OwnLayer[] | null} null: it is no list of layers
   */
  const read = (text) => {
    try {
      /** @type {OwnLayer[]} */
      const rows = JSON.parse(text);
      if (!rows.every(({ layer }) => kinds.some(({ id }) => id === layer))) return null;
      return rows.map((row) => ({ ...fresh(row.layer), ...row }));
    } catch {
      return null;
    }
  };
  let rows = read(recall("layers") ?? "") ?? structuredClone(original); // those of the last visit

  const change = () => {
    store("layers", JSON.stringify(rows));
    changed();
  };
  /**
   * Rows came, went or moved; the focus goes to what has the mark in the row of that index.
   * @type {(index: number, mark: string) => void}
   */
  const rebuild = (index, mark) => {
    list.replaceChildren(...rows.map(lineOf));
    const line = list.children[Math.min(index, rows.length - 1)];
    const target = line?.querySelector(`[data-does="${mark}"]:enabled`) ?? line?.querySelector("select");
    (target instanceof HTMLElement ? target : find(".add")).focus();
    change();
  };

  // --- one row -------------------------------------------------------------------------------------------------

  /** @type {(row: OwnLayer, index: number) => HTMLLIElement} */
  const lineOf = (row, index) => {
    const line = document.createElement("li");
    const number = Object.assign(document.createElement("b"), { textContent: String(index + 1) });
    const kind = document.createElement("select");
    kind.dataset.does = "kind";
    kind.setAttribute("aria-label", `Kind of layer ${index + 1}`);
    kind.append(...kinds.map(({ id, label }) => new Option(label, id, false, id === row.layer)));
    kind.addEventListener("change", () => {
      rows[index] = fresh(kind.value);
      rebuild(index, "kind");
    });
    const button = (/** @type {string} */ sign, /** @type {string} */ does, /** @type {() => void} */ act) => {
      const made = Object.assign(document.createElement("button"), { type: "button", textContent: sign });
      made.dataset.does = does;
      made.title = `${does} (layer ${index + 1})`;
      made.setAttribute("aria-label", made.title);
      made.addEventListener("click", act);
      return made;
    };
    const move = (/** @type {number} */ to) => () => {
      rows.splice(to, 0, ...rows.splice(index, 1));
      rebuild(to, to < index ? "Move up" : "Move down");
    };
    const [up, down] = [button("↑", "Move up", move(index - 1)), button("↓", "Move down", move(index + 1))];
    up.disabled = index === 0;
    down.disabled = index === rows.length - 1;
    const insert = button("+", "Add one after", () => {
      rows.splice(index + 1, 0, fresh(NEW));
      rebuild(index + 1, "kind");
    });
    const remove = button("×", "Remove", () => {
      rows.splice(index, 1);
      rebuild(index, "Remove");
    });
    const part = (/** @type {string} */ tag, /** @type {string} */ className) =>
      Object.assign(document.createElement(tag), { className });
    const [numbers, moves] = [part("div", "numbers"), part("div", "moves")];
    const [putsOut, wrong] = [part("p", "about puts-out"), part("p", "wrong")];
    moves.append(up, down, insert, remove);
    numbers.append(...kindOf(row.layer).settings.map((setting) => numberOf(row, setting, index)));
    wrong.setAttribute("role", "status");
    line.append(number, kind, numbers, moves, putsOut, wrong);
    return line;
  };

  /** @type {(row: OwnLayer, setting: LayerKind["settings"][number], index: number) => HTMLLabelElement} */
  const numberOf = (row, { name, label, help, isWhole, low, high }, index) => {
    const field = document.createElement("label");
    field.title = help;
    const input = Object.assign(document.createElement("input"), {
      type: "number",
      min: String(low),
      max: String(high),
      step: isWhole ? "1" : "0.05",
    });
    input.dataset.of = name;
    input.setAttribute("aria-label", `${label} of layer ${index + 1}`);
    input.value = String(row[name]);
    input.addEventListener("input", () => {
      row[name] = input.valueAsNumber;
      change();
    });
    field.append(Object.assign(document.createElement("span"), { textContent: label }), input);
    return field;
  };

  // --- what comes of them --------------------------------------------------------------------------------------

  /** @type {(layer: PlannedLayer, row: OwnLayer | undefined, entering: number[]) => string} */
  const how = ({ flattened, parameters, operations }, row, entering) => {
    const [f, p, s] = [row?.kernel, row?.padding, row?.stride].map(Number);
    return [
      f && outputSize(entering[1], f, p, s, 1).sum,
      flattened && `from ${written(flattened)} in one\u00a0row`,
      parameters && `${written(parameters)}\u00a0parameters`,
      operations && `${written(operations)}\u00a0multiply-adds`,
    ]
      .filter(Boolean)
      .map((each) => ` · ${each}`)
      .join("");
  };
  /**
   * What each row puts out, as far as that is possible, and why the next one does not.
   * @type {(layers: PlannedLayer[], problem: string) => void}
   */
  const show = (layers, problem) => {
    [...list.children, find(".last")].forEach((line, i) => {
      const of = finder(line);
      const layer = layers[i];
      const entering = layers[i - 1]?.shape ?? [1, facts.size, facts.size];
      const size = Object.assign(document.createElement("b"), { textContent: layer?.shape.join(" × ") });
      of(".puts-out").replaceChildren(...(layer ? [size, how(layer, rows[i], entering)] : []));
      of(".wrong").textContent = i === layers.length ? problem : "";
    });
    find(".totals").textContent = problem
      ? ""
      : `${sum(layers.map(({ parameters }) => parameters))} parameters · ${sum(layers.map(({ operations }) => operations))} multiply-adds for each image`;
  };

  find(".add").addEventListener("click", () => {
    rows.push(fresh(NEW));
    rebuild(rows.length - 1, "kind");
  });
  find(".again").addEventListener("click", () => {
    rows = structuredClone(original);
    rebuild(0, "kind");
  });
  find(".open").addEventListener("click", () => file.click());
  file.addEventListener("change", async () => {
    const found = read((await file.files?.[0]?.text()) ?? "");
    file.value = ""; // so that the same file can be opened again
    if (found) {
      rows = found;
      rebuild(0, "kind");
    }
    showProblem(element, found ? "" : "This file is no list of layers, such as “Save as a file” writes it.");
  });
  element.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target instanceof HTMLInputElement) event.preventDefault(); // it would train
  });
  find(".save").addEventListener("click", () =>
    saveFile(new Blob([`${JSON.stringify(rows, null, 2)}\n`], { type: "application/json" }), "layers.json"),
  );
  list.replaceChildren(...rows.map(lineOf));
  return {
    rows: () => rows,
    /** @param {OwnLayer[]} given */
    use: (given) => {
      rows = structuredClone(given);
      list.replaceChildren(...rows.map(lineOf));
    },
    show,
  };
};
