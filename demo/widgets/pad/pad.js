// The drawing pad: the current picture, and the only place that asks the server about it.

/** @import { Answer, Answered, OpenedFile, Pair, Picture, ServerAnswer, Servers } from "../types.d.ts" */
/** @import { Asking, Background, Stroke, Tool } from "./history.js" */

import { call, wanted } from "../shared/api.js";
import { readFile } from "../shared/base64.js";
import { emit, on } from "../shared/bus.js";
import { findAll, finder, showProblem } from "../shared/dom.js";
import { contextOf, offPage } from "../shared/drawing.js";
import { facts } from "../shared/facts.js";
import * as address from "../shared/address.js";
import * as samples from "../shared/samples.js";
import { makeHistory } from "./history.js";

const SIDE = 560; // of the canvas
const SENT_SIDE = 224; // of the picture that is sent: 8 times what the network sees
const LARGE_FILE = 3 * 2 ** 20; // bytes, from which a photo is made smaller before it is sent
const LARGE_SIDE = 2240; // pixels, of its longer side then
const SERVER_KNOWS = /^image\/(png|jpeg|gif|webp|bmp|tiff)$/;

/**
 * @param {HTMLElement} element
 * @param {Servers["pad"]} server
 */
export const mount = (element, server) => {
  /** @type {() => Background} */
  const blank = () => ({ kind: "background", paper: "#ffffff", pen: "#111111" }); // a new sheet each time

  const find = finder(element);
  const canvas = find("canvas", HTMLCanvasElement);
  const context = contextOf(canvas, { willReadFrequently: true });
  // Not disabled but said to be: a button that is disabled under the focus loses it, and the keys with it.
  const [undoButton, redoButton] = ["undo", "redo"].map((name) => find(`[data-do=${name}]`));
  const sent = offPage(SENT_SIDE, SENT_SIDE, { willReadFrequently: true });

  const history = makeHistory(blank());
  const { background, strokes } = history;
  /** @type {Tool} */
  let tool = "pen";
  /** @type {Stroke | null} */
  let stroke = null; // the one being drawn
  /** @type {string | null} */
  let kind = null; // what the visitor says that this picture is; null: to be found out
  let wish = 0; // number of the latest wish for another picture or kind: what comes of an earlier one comes too late

  // --- drawing -------------------------------------------------------------------------------------------------

  /** @param {Background} background */
  const drawBackground = ({ paper, image, smooth = false }) => {
    context.fillStyle = paper;
    context.fillRect(0, 0, SIDE, SIDE);
    if (!image) return;
    const scale = Math.min(SIDE / image.width, SIDE / image.height);
    const [width, height] = [image.width * scale, image.height * scale];
    context.imageSmoothingEnabled = smooth;
    context.drawImage(image, (SIDE - width) / 2, (SIDE - height) / 2, width, height);
  };

  /**
   * Piece by piece, so that a stroke drawn again after an undo is the same to the last pixel as when it was drawn.
   * @type {(stroke: Stroke, from?: number) => void}
   */
  const drawStroke = ({ tool, size, points }, from = 0) => {
    context.strokeStyle = tool === "pen" ? background().pen : background().paper;
    context.lineWidth = size;
    context.lineCap = context.lineJoin = "round";
    for (let i = from; i < points.length; i++) {
      context.beginPath();
      context.moveTo(...points[Math.max(0, i - 1)]);
      context.lineTo(...points[i]);
      context.stroke();
    }
  };

  const redraw = () => {
    drawBackground(background());
    strokes().forEach((step) => drawStroke(step));
  };

  // The link names the test sample that the picture is, and nothing once it is drawn on.
  const linkPicture = () => {
    const request = strokes().length || background().isExample ? undefined : background().ask?.request;
    const isShipped = request && "sample" in request && request.sample < facts.samples.count;
    address.set("sample", isShipped ? String(samples.numbers[request.sample]) : null); // another page may not know the others
  };

  const showCanDo = () => {
    for (const [button, can] of /** @type {const} */ ([
      [undoButton, history.canUndo()],
      [redoButton, history.canRedo()],
    ]))
      button.setAttribute("aria-disabled", String(!can));
  };

  /**
   * Something else is on the pad after a change of the history.
   * @param {() => void} change
   */
  const turn = (change) => {
    stroke = null; // one that is being drawn ends here
    const was = background();
    change();
    if (background() !== was) kind = background().ask?.overruled ?? null; // another picture
    newWish();
    linkPicture();
    showCanDo();
    redraw();
    askAnew();
  };

  // A wish for another picture or kind; while it takes time, the pad shows that.
  /** @param {boolean} isBusy */
  const showBusy = (isBusy) => {
    element.classList.toggle("busy", isBusy);
    showHint(isBusy ? "Sending the picture …" : background().hint);
  };
  const newWish = (isBusy = false) => {
    showBusy(isBusy);
    return ++wish;
  };

  /**
   * Pen and eraser colours for a picture, from its border: white pen on a dark picture.
   * @param {HTMLImageElement | HTMLCanvasElement} image
   * @param {Partial<Background>} more
   * @returns {Background}
   */
  const backgroundOf = (image, more) => {
    const probe = offPage(16, 16);
    probe.fillStyle = "#ffffff";
    probe.fillRect(0, 0, 16, 16);
    probe.drawImage(image, 0, 0, 16, 16);
    const { data } = probe.getImageData(0, 0, 16, 16);
    const border = [];
    for (let i = 0; i < 256; i++) if (i < 16 || i >= 240 || i % 16 === 0 || i % 16 === 15) border.push(data[4 * i + 1]);
    const isDark = border.sort((a, b) => a - b)[border.length >> 1] < 128;
    return {
      kind: "background",
      image,
      paper: isDark ? "#000000" : "#ffffff",
      pen: isDark ? "#ffffff" : "#111111",
      ...more,
    };
  };

  // --- asking --------------------------------------------------------------------------------------------------
  // One request under way while a stroke is drawn: what changes meanwhile is asked about when it comes back, so that the
  // pad never falls behind the hand, and a slow server is asked less often. Only the end of a stroke does not wait, nor
  // does another picture, kind or network: it is asked about beside the request under way.

  let underWay = 0;
  let [asked, painted] = [0, 0]; // numbers of the latest question, and of the one whose answer is on the page
  let isStale = false;
  let hasFailed = false; // the last answer

  const isBlank = () => strokes().length === 0 && !background().ask;

  /** @returns {Picture} */
  const currentPicture = () => {
    const request = background().ask?.request;
    if (strokes().length === 0 && request) return request;
    sent.imageSmoothingQuality = "high";
    sent.drawImage(canvas, 0, 0, SENT_SIDE, SENT_SIDE);
    return { picture: sent.canvas.toDataURL("image/png").split(",", 2)[1], ...(kind && { kind }) };
  };

  const changed = () => {
    isStale = true;
    if (underWay === 0) ask();
  };

  // What is under way is about another picture, kind or network.
  const askAnew = () => {
    painted = asked + 1;
    isStale = true;
    if (isBlank() || underWay < 2) ask();
  };

  const ask = async () => {
    underWay += 1;
    find(".pad").dataset.asking = String(underWay);
    try {
      let goesOn = true;
      while (isStale && goesOn) goesOn = await askOnce();
    } finally {
      underWay -= 1;
      find(".pad").dataset.asking = String(underWay);
    }
  };

  /** @returns {Promise<boolean>} whether what has changed meanwhile is to be asked about next */
  const askOnce = async () => {
    isStale = false;
    const mine = ++asked;
    if (isBlank()) {
      painted = mine;
      emit("answer", { empty: "Draw something" });
      return true;
    }
    const answer = await call(server.answer, { ...currentPicture(), want: wanted });
    if (mine < painted) return true; // a later question was answered first
    if ("replaced" in answer) {
      if (mine < asked) return false; // by a later question, which goes on
      isStale = true; // by another tab with the same visitor: this one asks again
      return true;
    }
    painted = mine;
    if (answer.error || hasFailed) tell(answer.error);
    hasFailed = answer.error !== undefined;
    emit("answer", told(answer));
    return true;
  };

  /**
   * An answer of the server as the widgets hear of it.
   * @param {Answered<Exclude<ServerAnswer, { replaced: true }>>} answer
   * @returns {Answer}
   */
  const told = (answer) => {
    if (answer.error !== undefined) return { empty: "No answer" }; // the one before is about another picture
    const overruled = kind !== null;
    if ("empty" in answer && answer.empty !== undefined) return { ...answer, overruled };
    const opened = strokes().length === 0 ? background().ask?.steps : undefined;
    const steps = opened || answer.steps ? { ...opened, ...answer.steps } : undefined;
    return { ...answer, steps, overruled };
  };

  on("wants", () => {
    if (!isBlank()) changed();
  });
  window.addEventListener("online", () => {
    if (hasFailed) askAnew();
  });
  on("network", askAnew);
  on("kind", async (chosen) => {
    const { ask } = background();
    if (ask?.file) {
      const mine = newWish(true);
      const opened = await prepareFile(ask, ask.file, chosen, mine);
      if (mine !== wish) return;
      if (!opened) return changed(); // the kind that it still has is said again
    }
    kind = chosen;
    askAnew();
  });

  /** @param {string} [sentence] what is wrong; none: nothing any more */
  const tell = (sentence) => showProblem(element, sentence);

  /** @param {string} [sentence] */
  const showHint = (sentence) => {
    find(".hint").textContent = sentence ?? "";
    find(".hint").hidden = !sentence;
  };

  // --- strokes -------------------------------------------------------------------------------------------------

  /** @type {(event: MouseEvent) => Pair} */
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * SIDE) / box.width, ((event.clientY - box.top) * SIDE) / box.height];
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const isPalm = stroke?.touches && event.pointerType === "pen"; // which lay there before the pen
    if (stroke && !isPalm) return; // a second finger
    if (isPalm) dropStroke();
    event.preventDefault();
    canvas.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    // The first example is there to show the page at work: drawing begins on a fresh sheet.
    if (background().isExample) turn(() => history.restart(blank()));
    tell();
    const touches = event.pointerType === "touch";
    stroke = { kind: "stroke", pointer: event.pointerId, tool, size: size.valueAsNumber, points: [], touches };
    history.add(stroke);
    linkPicture();
    showCanDo();
    extend(stroke, event);
  });

  const dropStroke = () => turn(history.withdraw);

  /** @type {(stroke: Stroke, event: PointerEvent) => void} */
  const extend = (stroke, event) => {
    const from = stroke.points.length;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const each of events.length ? events : [event]) stroke.points.push(place(each));
    drawStroke(stroke, from);
    changed();
  };

  canvas.addEventListener("pointermove", (event) => {
    if (stroke?.pointer === event.pointerId) extend(stroke, event);
  });
  for (const name of /** @type {const} */ (["pointerup", "pointercancel"])) {
    canvas.addEventListener(name, (event) => {
      if (stroke?.pointer !== event.pointerId) return;
      if (name === "pointercancel" && stroke.touches) return dropStroke(); // a palm, or a gesture of the system
      stroke = null;
      if (isStale && underWay === 1) ask();
    });
  }

  // --- tools ---------------------------------------------------------------------------------------------------

  /** @param {Tool} name */
  const choose = (name) => {
    tool = name;
    for (const button of findAll(element, "[data-tool]")) {
      button.setAttribute("aria-pressed", String(button.dataset.tool === name));
    }
  };
  const undo = () => {
    tell();
    if (history.canUndo()) turn(history.undo);
  };
  const redo = () => {
    tell();
    if (history.canRedo()) turn(history.redo);
  };
  const clear = () => {
    tell();
    if (!isBlank()) turn(() => history.add(blank()));
  };

  find("[data-tool=pen]").addEventListener("click", () => choose("pen"));
  find("[data-tool=eraser]").addEventListener("click", () => choose("eraser"));
  undoButton.addEventListener("click", undo);
  redoButton.addEventListener("click", redo);
  find("[data-do=clear]").addEventListener("click", clear);
  const size = find("[type=range]", HTMLInputElement);
  const showSize = () => element.style.setProperty("--brush", `${(size.valueAsNumber / SIDE) * 380}px`);
  size.addEventListener("input", showSize);
  showSize();

  element.addEventListener("keydown", (event) => {
    const key = event.key.toLowerCase();
    const isCommand = (event.ctrlKey || event.metaKey) && !event.altKey;
    if (isCommand && key === "z" && !event.shiftKey) undo();
    else if (isCommand && key === "z") redo();
    else if (event.ctrlKey && key === "y" && isCommand && !event.shiftKey)
      redo(); // on a Mac, ⌘Y is the browser's
    else if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    else if (key === "p") choose("pen");
    else if (key === "e") choose("eraser");
    else if (key === "delete" || key === "backspace") clear();
    else return;
    event.preventDefault();
  });

  // --- samples and files ---------------------------------------------------------------------------------------

  /** @type {(index: number, more: Partial<Background>) => Promise<void>} */
  const showSample = async (index, more) => {
    if (!samples.isReady()) {
      try {
        await samples.load();
      } catch {
        return tell("The test images could not be loaded. Try again in a moment.");
      }
    }
    const image = offPage(samples.SIZE, samples.SIZE);
    samples.draw(image, index, 0, 0, samples.SIZE);
    if (more.isExample && (history.canUndo() || history.canRedo())) return; // it came late: the visitor has begun to draw
    tell();
    turn(() =>
      history.add(backgroundOf(image.canvas, { smooth: false, ask: { request: { sample: index } }, ...more })),
    );
  };
  on("sample", (index) => showSample(index, { hint: samples.title(index) }));

  /**
   * A photo of many megapixels, made smaller: less to send, and below the server's limit; and a picture of a kind that
   * only the browser may know. What may have transparent parts keeps them. What the browser cannot open is sent as it is,
   * so that the server says what is wrong with it.
   * @param {File} file
   */
  const sendable = async (file) => {
    const isKnown = SERVER_KNOWS.test(file.type);
    if (!file.type.startsWith("image/") || (isKnown && file.size < LARGE_FILE)) return file;
    try {
      const image = await createImageBitmap(file, { imageOrientation: "from-image" });
      const scale = Math.min(1, LARGE_SIDE / Math.max(image.width, image.height));
      if (isKnown && scale === 1) return file;
      const small = new OffscreenCanvas(Math.round(image.width * scale), Math.round(image.height * scale));
      small.getContext("2d")?.drawImage(image, 0, 0, small.width, small.height);
      image.close();
      const type = /jpeg|hei[cf]/.test(file.type) ? "image/jpeg" : "image/png";
      return new File([await small.convertToBlob({ type, quality: 0.92 })], file.name);
    } catch {
      return file;
    }
  };

  /** @param {File | undefined} chosen */
  const openFile = async (chosen) => {
    if (!chosen) return;
    const mine = newWish(true);
    const file = await sendable(chosen);
    /** @type {Asking} */
    const ask = { file };
    const opened = mine === wish && (await prepareFile(ask, file, null, mine));
    if (!opened) return;
    const image = new Image();
    image.src = `data:image/png;base64,${opened.picture}`;
    await image.decode();
    if (mine === wish) turn(() => history.add(backgroundOf(image, { smooth: true, ask })));
  };

  /** @type {(file: File, kind: string | null) => Promise<Answered<OpenedFile>>} */
  const openOnServer = async (file, kind) => {
    if (file.size > facts.uploadBytes)
      return { error: `${file.name} is larger than ${facts.uploadBytes / 2 ** 20} MB, expected a smaller picture.` };
    const contents = await readFile(file);
    if (contents === null) return { error: `${file.name} could not be read.` };
    return call(server.open_file, { file: contents, name: file.name, ...(kind && { kind }) });
  };

  /**
   * What the server makes of a file: from then on the file is known by its pixels, until the visitor says that it is of another kind.
   * @param {Asking} ask
   * @param {File} file
   * @param {string | null} kind
   * @param {number} mine number of the wish
   */
  const prepareFile = async (ask, file, kind, mine) => {
    const opened = await openOnServer(file, kind);
    if (mine !== wish) return null;
    showBusy(false);
    tell(opened.error);
    if (opened.error !== undefined) return null;
    ask.request = { pixels: opened.pixels, kind: opened.kind, naive: opened.steps.naive.pixels };
    ask.overruled = kind;
    ask.steps = opened.steps;
    return opened;
  };

  const input = find("[type=file]", HTMLInputElement);
  input.addEventListener("change", () => {
    openFile(input.files?.[0]);
    input.value = ""; // so that the same file can be chosen again
  });
  // Anywhere on the page: a picture dropped beside the pad would otherwise replace the page.
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    element.classList.add("dropping");
  });
  document.addEventListener("dragleave", () => element.classList.remove("dropping"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    element.classList.remove("dropping");
    openFile(event.dataTransfer?.files[0]);
  });
  document.addEventListener("paste", (event) => {
    const isText = "input:not([type=file], [type=range]), textarea";
    if (event.target instanceof Element && event.target.closest(isText)) return;
    openFile([...(event.clipboardData?.files ?? [])].find((file) => file.type.startsWith("image/")));
  });

  // --- first paint: the test sample of the link, or a finished example ------------------------------------------

  redraw();
  const linked = samples.numbered(address.get("sample"));
  const first =
    linked >= 0
      ? showSample(linked, { hint: samples.title(linked) })
      : showSample(facts.example, { isExample: true, hint: "An example. Draw here: it makes room" });
  first.then(() => {
    if (isBlank()) changed(); // the samples could not be loaded
  });
};
