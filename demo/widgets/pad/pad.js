// The drawing pad: the current picture, and the only place that asks the server about it.
//
// The history is a list of steps, each a ground (blank paper, a sample, an uploaded picture) or a stroke. What is on
// the pad is the last ground and the strokes after it, so undo is: drop the last step and draw again.

fmnist.mountPad = (element, server) => {
  const SIDE = 560; // of the canvas
  const SENT_SIDE = 224; // of the picture that is sent: 8 times what the network sees
  const MOST_STEPS = 500; // that are kept for undo
  const LARGE_FILE = 3 * 2 ** 20; // bytes, from which a photo is made smaller before it is sent
  const LARGE_SIDE = 2240; // pixels, of its longer side then
  const SERVER_KNOWS = /^image\/(png|jpeg|gif|webp|bmp|tiff)$/;
  const MAX_FILE = 20 * 2 ** 20; // bytes
  const blank = () => ({ kind: "ground", paper: "#ffffff", pen: "#111111" }); // a new sheet each time

  const find = (selector) => element.querySelector(selector);
  const canvas = find("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const sent = document.createElement("canvas");
  sent.width = sent.height = SENT_SIDE;
  const sentContext = sent.getContext("2d", { willReadFrequently: true });

  let history = [blank()];
  let tool = "pen";
  let stroke = null; // the one being drawn
  let kind = null; // what the visitor says that this picture is; null: to be found out
  let wish = 0; // number of the latest wish for another picture or kind: what comes of an earlier one comes too late

  const ground = () => history.findLast((step) => step.kind === "ground");
  const strokes = () => history.slice(history.lastIndexOf(ground()) + 1);

  // --- drawing -------------------------------------------------------------------------------------------------

  const drawGround = ({ paper, image, smooth }) => {
    context.fillStyle = paper;
    context.fillRect(0, 0, SIDE, SIDE);
    if (!image) return;
    const scale = Math.min(SIDE / image.width, SIDE / image.height);
    const [width, height] = [image.width * scale, image.height * scale];
    context.imageSmoothingEnabled = smooth;
    context.drawImage(image, (SIDE - width) / 2, (SIDE - height) / 2, width, height);
  };

  // Piece by piece, so that a stroke drawn again after an undo is the same to the last pixel as when it was drawn.
  const drawStroke = ({ tool, size, points }, from = 0) => {
    context.strokeStyle = tool === "pen" ? ground().pen : ground().paper;
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
    drawGround(ground());
    strokes().forEach((step) => drawStroke(step));
  };

  // The link names the test sample that the picture is, and nothing once it is drawn on.
  const linkPicture = () => {
    const index = strokes().length || ground().isExample ? undefined : ground().ask?.request.sample;
    const isShipped = index < fmnist.facts.samples.count; // another page may not know the others
    fmnist.link.set("sample", isShipped ? String(fmnist.samples.numbers[index]) : null);
  };

  const setHistory = (steps) => {
    stroke = null; // one that is being drawn ends here
    const last = steps.findLastIndex((step) => step.kind === "ground");
    if (steps[last] !== ground()) kind = steps[last].ask?.overruled ?? null; // another picture
    // Of too many steps those are kept that made what is on the pad, and what was there before.
    const before = steps.slice(0, last).findLastIndex((step) => step.kind === "ground");
    history = steps.length > MOST_STEPS ? steps.slice(Math.max(before, 0)) : steps;
    newWish();
    linkPicture();
    redraw();
    askAnew();
  };

  // A wish for another picture or kind; while it takes time, the pad shows that.
  const showBusy = (isBusy) => {
    element.classList.toggle("busy", isBusy);
    showHint(isBusy ? "Sending the picture …" : ground().hint);
  };
  const newWish = (isBusy = false) => {
    showBusy(isBusy);
    return ++wish;
  };

  // Pen and eraser colours for a picture, from its border: white pen on a dark picture.
  const groundOf = (image, more) => {
    const probe = document.createElement("canvas");
    probe.width = probe.height = 16;
    const probeContext = probe.getContext("2d");
    probeContext.fillStyle = "#ffffff";
    probeContext.fillRect(0, 0, 16, 16);
    probeContext.drawImage(image, 0, 0, 16, 16);
    const { data } = probeContext.getImageData(0, 0, 16, 16);
    const border = [];
    for (let i = 0; i < 256; i++) if (i < 16 || i >= 240 || i % 16 === 0 || i % 16 === 15) border.push(data[4 * i + 1]);
    const isDark = border.sort((a, b) => a - b)[border.length >> 1] < 128;
    return { kind: "ground", image, paper: isDark ? "#000000" : "#ffffff", pen: isDark ? "#ffffff" : "#111111", ...more };
  };

  // --- asking --------------------------------------------------------------------------------------------------
  // One request under way while a stroke is drawn: what changes meanwhile is asked about when it comes back, so that the
  // pad never falls behind the hand, and a slow server is asked less often. Only the end of a stroke does not wait, nor
  // does another picture, kind or network: it is asked about beside the request under way.

  let underWay = 0;
  let [asked, painted] = [0, 0]; // numbers of the latest question, and of the one whose answer is on the page
  let isStale = false;
  let hasFailed = false; // the last answer

  const isBlank = () => strokes().length === 0 && !ground().ask;

  const currentPicture = () => {
    if (strokes().length === 0) return ground().ask.request;
    sentContext.imageSmoothingQuality = "high";
    sentContext.drawImage(canvas, 0, 0, SENT_SIDE, SENT_SIDE);
    return { picture: sent.toDataURL("image/png").split(",", 2)[1], ...(kind && { kind }) };
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
    find(".pad").dataset.asking = underWay;
    try {
      while (isStale) await askOnce();
    } finally {
      underWay -= 1;
      find(".pad").dataset.asking = underWay;
    }
  };

  const askOnce = async () => {
    isStale = false;
    const mine = ++asked;
    if (isBlank()) {
      painted = mine;
      return fmnist.emit("answer", { empty: "Draw something" });
    }
    const answer = await fmnist.call(server.answer, { ...currentPicture(), want: fmnist.wanted });
    if (mine < painted) return; // a later question was answered first
    painted = mine;
    if (answer.error || hasFailed) showProblem(answer.error);
    hasFailed = Boolean(answer.error);
    if (hasFailed) return fmnist.emit("answer", { empty: "No answer" }); // the one before is about another picture
    const opened = strokes().length === 0 ? ground().ask?.steps : undefined;
    const steps = (opened || answer.steps) && { ...opened, ...answer.steps };
    fmnist.emit("answer", { ...answer, steps, overruled: kind !== null });
  };

  fmnist.on("wants", () => isBlank() || changed());
  window.addEventListener("online", () => hasFailed && askAnew());
  fmnist.on("network", askAnew);
  fmnist.on("kind", async (chosen) => {
    const { ask } = ground();
    if (ask?.file) {
      const mine = newWish(true);
      const opened = await prepareFile(ask, chosen, mine);
      if (mine !== wish) return;
      if (!opened) return changed(); // the kind that it still has is said again
    }
    kind = chosen;
    askAnew();
  });

  const showProblem = (sentence) => fmnist.showProblem(element, sentence);

  const showHint = (sentence) => {
    find(".hint").textContent = sentence ?? "";
    find(".hint").hidden = !sentence;
  };

  // --- strokes -------------------------------------------------------------------------------------------------

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
    if (ground().isExample) setHistory([blank()]);
    showProblem();
    stroke = { kind: "stroke", pointer: event.pointerId, tool, size: Number(find("[type=range]").value), points: [] };
    stroke.touches = event.pointerType === "touch";
    history.push(stroke);
    linkPicture();
    extend(event);
  });

  const dropStroke = () => setHistory(history.filter((step) => step !== stroke));

  const extend = (event) => {
    const from = stroke.points.length;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const each of events.length ? events : [event]) stroke.points.push(place(each));
    drawStroke(stroke, from);
    changed();
  };

  canvas.addEventListener("pointermove", (event) => stroke?.pointer === event.pointerId && extend(event));
  for (const name of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(name, (event) => {
      if (stroke?.pointer !== event.pointerId) return;
      if (name === "pointercancel" && stroke.touches) return dropStroke(); // a palm, or a gesture of the system
      stroke = null;
      if (isStale && underWay === 1) ask();
    });
  }

  // --- tools ---------------------------------------------------------------------------------------------------

  const choose = (name) => {
    tool = name;
    element.querySelectorAll("[data-tool]").forEach((button) => {
      button.setAttribute("aria-pressed", String(button.dataset.tool === name));
    });
  };
  const undo = () => {
    showProblem();
    if (history.length > 1) setHistory(history.slice(0, -1));
  };
  const clear = () => {
    showProblem();
    if (!isBlank()) setHistory([...history, blank()]); // so that undo brings it back
  };

  element.querySelectorAll("[data-tool]").forEach((button) => {
    button.addEventListener("click", () => choose(button.dataset.tool));
  });
  find("[data-do=undo]").addEventListener("click", undo);
  find("[data-do=clear]").addEventListener("click", clear);
  const size = find("[type=range]");
  const showSize = () => element.style.setProperty("--brush", `${(size.value / SIDE) * 380}px`);
  size.addEventListener("input", showSize);
  showSize();

  element.addEventListener("keydown", (event) => {
    const key = event.key.toLowerCase();
    if (event.shiftKey) return;
    if ((event.ctrlKey || event.metaKey) && key === "z") undo();
    else if (event.ctrlKey || event.metaKey || event.altKey) return;
    else if (key === "p") choose("pen");
    else if (key === "e") choose("eraser");
    else if (key === "delete" || key === "backspace") clear();
    else return;
    event.preventDefault();
  });

  // --- samples and files ---------------------------------------------------------------------------------------

  const showSample = async (index, more) => {
    if (!fmnist.samples.ready) {
      try {
        await fmnist.samples.load();
      } catch {
        return showProblem("The test images could not be loaded. Try again in a moment.");
      }
    }
    const image = document.createElement("canvas");
    image.width = image.height = 28;
    fmnist.samples.draw(image.getContext("2d"), index, 0, 0, 28);
    if (more.isExample && history.length > 1) return; // it came late: the visitor has begun to draw
    showProblem();
    setHistory([...history, groundOf(image, { smooth: false, ask: { request: { sample: index } }, ...more })]);
  };
  fmnist.on("sample", (index) => showSample(index, { hint: fmnist.samples.title(index) }));

  const readFile = (file) =>
    new Promise((resolve) => {
      const reader = new FileReader();
      reader.onload = () => resolve(reader.result.split(",", 2)[1] ?? "");
      reader.onerror = () => resolve(null);
      reader.readAsDataURL(file);
    });

  // A photo of many megapixels, made smaller: less to send, and below the server's limit; and a picture of a kind that
  // only the browser may know. What may have transparent parts keeps them. What the browser cannot open is sent as it is,
  // so that the server says what is wrong with it.
  const sendable = async (file) => {
    const isKnown = SERVER_KNOWS.test(file.type);
    if (!file.type.startsWith("image/") || (isKnown && file.size < LARGE_FILE)) return file;
    try {
      const image = await createImageBitmap(file, { imageOrientation: "from-image" });
      const scale = Math.min(1, LARGE_SIDE / Math.max(image.width, image.height));
      if (isKnown && scale === 1) return file;
      const small = new OffscreenCanvas(Math.round(image.width * scale), Math.round(image.height * scale));
      small.getContext("2d").drawImage(image, 0, 0, small.width, small.height);
      image.close();
      const type = /jpeg|hei[cf]/.test(file.type) ? "image/jpeg" : "image/png";
      return new File([await small.convertToBlob({ type, quality: 0.92 })], file.name);
    } catch {
      return file;
    }
  };

  const openFile = async (chosen) => {
    if (!chosen) return;
    const mine = newWish(true);
    const ask = { file: await sendable(chosen) };
    const opened = mine === wish && (await prepareFile(ask, null, mine));
    if (!opened) return;
    const image = new Image();
    image.src = `data:image/png;base64,${opened.picture}`;
    await image.decode();
    if (mine === wish) setHistory([...history, groundOf(image, { smooth: true, ask })]);
  };

  const openOnServer = async (file, kind) => {
    if (file.size > MAX_FILE) return { error: `${file.name} is larger than 20 MB, expected a smaller picture.` };
    const contents = await readFile(file);
    if (contents === null) return { error: `${file.name} could not be read.` };
    return fmnist.call(server.open_file, { file: contents, name: file.name, ...(kind && { kind }) });
  };

  // What the server makes of a file: from then on the file is known by its pixels, until it is taken for another kind.
  const prepareFile = async (ask, kind, mine) => {
    const opened = await openOnServer(ask.file, kind);
    if (mine !== wish) return null;
    showBusy(false);
    showProblem(opened.error);
    if (opened.error) return null;
    ask.request = { pixels: opened.pixels, kind: opened.kind, without: opened.steps.without.pixels };
    ask.overruled = kind;
    ask.steps = opened.steps;
    return opened;
  };

  const input = find("[type=file]");
  input.addEventListener("change", () => {
    openFile(input.files[0]);
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
    openFile(event.dataTransfer.files[0]);
  });
  document.addEventListener("paste", (event) => {
    if (event.target.closest?.("input:not([type=file], [type=range]), textarea")) return;
    openFile([...event.clipboardData.files].find((file) => file.type.startsWith("image/")));
  });

  // --- first paint: the test sample of the link, or a finished example ------------------------------------------

  redraw();
  const linked = fmnist.samples.numbered(fmnist.link.get("sample"));
  const first = linked >= 0
    ? showSample(linked, { hint: fmnist.samples.title(linked) })
    : showSample(fmnist.facts.example, { isExample: true, hint: "An example. Draw here: it makes room" });
  first.then(() => isBlank() && changed()); // the samples could not be loaded
};
