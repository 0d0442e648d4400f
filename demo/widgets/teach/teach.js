// Teaching: the visitor's own pictures, what the network says of each before and after, and what it forgot meanwhile.

/** @import { LessonPicture, Servers } from "../types.d.ts" */

import { call } from "../shared/api.js";
import { emit, on } from "../shared/bus.js";
import { bytes } from "../shared/base64.js";
import { finder, saveFile, showProblem } from "../shared/dom.js";
import { fitCanvas, greyImage } from "../shared/drawing.js";
import { facts } from "../shared/facts.js";
import * as lesson from "../shared/lesson.js";
import { percent, unbroken } from "../shared/text.js";

const PAUSE = 200; // milliseconds between two questions
const THUMBNAIL = 64; // CSS pixels

/** @typedef {{ said: string, of: number }} Said the best class, and the probability of the right one */

/**
 * @param {HTMLElement} element
 * @param {Servers["teach"]} server
 */
export const mount = (element, server) => {
  const find = finder(element);
  const startButton = find(".start", HTMLButtonElement);
  /** @type {Map<string, { before?: Said, after?: Said }>} */
  let known = new Map(); // what was said of a picture, by its pixels
  let isTeaching = false;

  /** @param {string} sentence */
  const tell = (sentence) => (find(".status").textContent = sentence);
  /** @param {number} fraction */
  const progress = (fraction) => {
    find(".progress i").style.transform = `scaleX(${fraction})`;
    find(".progress").setAttribute("aria-valuenow", String(Math.round(100 * fraction)));
  };

  // --- the pictures ----------------------------------------------------------------------------------------------

  /** @param {LessonPicture} picture */
  const row = (picture) => {
    const { pixels, label } = picture;
    const item = document.createElement("li");
    const canvas = document.createElement("canvas");
    const context = fitCanvas(canvas, THUMBNAIL, THUMBNAIL);
    context.imageSmoothingEnabled = false;
    context.drawImage(greyImage(bytes(pixels)), 0, 0, THUMBNAIL, THUMBNAIL);
    const select = document.createElement("select");
    select.setAttribute("aria-label", "What it is");
    select.append(...facts.classes.map((name, each) => new Option(name, String(each))));
    select.value = String(label);
    const others = (/** @type {LessonPicture} */ each) => (each.pixels === pixels ? null : each);
    select.addEventListener("change", () => {
      known.delete(pixels);
      lesson.use(lesson.all().map((each) => others(each) ?? { ...each, label: Number(select.value) }));
    });
    const remove = Object.assign(document.createElement("button"), { type: "button", className: "remove" });
    remove.textContent = "×";
    remove.setAttribute("aria-label", `Remove this ${facts.classes[label]}`);
    remove.addEventListener("click", () => lesson.use(lesson.all().filter(others)));
    const answers = document.createElement("span");
    answers.className = "answers";
    const { before, after } = known.get(pixels) ?? {};
    /** @param {Said} said */
    const words = ({ said, of }) =>
      `${unbroken(said)} (${percent(of).replace(" ", "\u00a0")} ${unbroken(facts.classes[label])})`;
    if (before) answers.append(after ? "before: " : "now: ", words(before));
    if (after) answers.append("; after: ", Object.assign(document.createElement("b"), { textContent: words(after) }));
    item.append(canvas, select, remove, answers);
    return item;
  };
  const show = () => {
    const pictures = lesson.all();
    find(".lesson").replaceChildren(...pictures.map(row));
    find(".none").hidden = pictures.length > 0;
    startButton.disabled = isTeaching || !pictures.length;
    find(".save", HTMLButtonElement).disabled = find(".clear", HTMLButtonElement).disabled = !pictures.length;
  };
  on("lesson", show);
  show();

  find(".clear").addEventListener("click", () => lesson.use([]));
  find(".save").addEventListener("click", () => {
    saveFile(new Blob([lesson.toCsv()], { type: "text/csv" }), "my-pictures.csv");
  });
  const input = find(".open input", HTMLInputElement);
  input.addEventListener("change", async () => {
    const file = input.files?.[0];
    if (!file) return;
    const found = lesson.fromCsv(await file.text());
    input.value = ""; // the same file may be chosen again
    showProblem(element, typeof found === "string" ? found : "");
    if (typeof found === "string") return;
    const given = new Set(found.map(({ pixels }) => pixels));
    const all = [...lesson.all().filter(({ pixels }) => !given.has(pixels)), ...found];
    if (all.length > facts.lessonPictures) {
      showProblem(
        element,
        `There is room for ${facts.lessonPictures} pictures: the last ${all.length - facts.lessonPictures} are left out.`,
      );
    }
    lesson.use(all);
  });

  // --- teaching --------------------------------------------------------------------------------------------------

  /**
   * What the network of that id says of each picture.
   * @param {string} network
   * @param {"before" | "after"} when
   */
  const ask = async (network, when) => {
    for (const { pixels, kind, label } of lesson.all()) {
      const reply = await call(server.answer_by, { pixels, kind, network, want: {} });
      if (reply.error !== undefined || reply.empty !== undefined) continue;
      const { probabilities } = reply;
      const said = facts.classes[probabilities.indexOf(Math.max(...probabilities))];
      known.set(pixels, { ...known.get(pixels), [when]: { said, of: probabilities[label] } });
    }
    show();
  };

  /** Ends when nothing more comes of the run; says whether a network did. */
  const follow = async () => {
    let [seen, isTaught] = [0, false];
    for (;;) {
      const reply = await call(server.train_state, { seen });
      if (reply.error !== undefined) {
        tell(reply.error);
        return isTaught;
      }
      for (const event of reply.events) {
        if (event.event === "Waiting") tell(`Waiting: ${event.place} before you.`);
        if (event.event === "Loading") tell("Starting …");
        if (event.event === "StepDone") {
          progress(event.step / event.steps);
          tell(`Step ${event.step}: ${percent(event.accuracy)} of your pictures are right.`);
        }
        if (event.event === "Finished") tell("Looking at what it forgot …");
        if (event.event === "Failed") tell(event.sentence);
        isTaught ||= event.event === "Tested";
      }
      seen = reply.seen;
      if (isTaught || !reply.alive) return isTaught;
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  };

  /** @type {(before: string, after: string) => Promise<void>} */
  const showForgotten = async (before, after) => {
    const reply = await call(server.compare, { first: before, second: after });
    if (reply.error !== undefined) return;
    const [was, is] = reply.accuracy.map((each) => `${(100 * each).toFixed(1)} %`);
    const right = [...known.values()].filter((each) => each.after).length;
    const learned = lesson.all().filter(({ pixels, label }) => known.get(pixels)?.after?.said === facts.classes[label]);
    tell(`Now it is right about ${learned.length} of your ${right} pictures.`);
    find(".outcome span").textContent =
      `Of ${reply.images.toLocaleString("en")} test images it was right about ${was} before and is about ${is} now: ` +
      `${reply.only_second} became right, ${reply.only_first} became wrong (forgotten). `;
    find(".outcome").hidden = false;
  };

  if (!facts.training.isOpen) {
    find(".deeds").hidden = find(".none").hidden = true;
    tell("Teaching is switched off on this server. To teach a network, run this program on your own computer.");
  }

  let before = ""; // the id of the network that was taught
  startButton.addEventListener("click", async () => {
    const which = await call(server.which, {});
    showProblem(element, which.error);
    if (which.error !== undefined) return;
    before = which.network;
    [isTeaching, known] = [true, new Map()];
    find(".outcome").hidden = true;
    progress(0);
    tell("Starting …");
    show();
    const pictures = lesson.all().map(({ pixels, label }) => ({ pixels, label }));
    const reply = await call(server.teach, { pictures });
    if (reply.error === undefined) {
      await ask(before, "before");
      if (await follow()) {
        emit("network");
        const taught = await call(server.which, {});
        if (taught.error === undefined) {
          await ask(taught.network, "after");
          await showForgotten(before, taught.network);
        }
      }
    } else {
      tell("");
      showProblem(element, reply.error);
    }
    isTeaching = false;
    find(".back").textContent = "Back to the network before";
    progress(0);
    show();
  });
  find(".see").addEventListener("click", () => emit("tab", "compare"));
  find(".back").addEventListener("click", async () => {
    const reply = await call(server.choose, { network: before });
    showProblem(element, reply.error);
    if (reply.error !== undefined) return;
    find(".outcome").hidden = true;
    tell("The network before answers again; the taught one can still be chosen, above and under Compare.");
    emit("network");
  });
};
