// What all widgets share: the one current answer, the visitor, the samples, the colours.
// Widgets hear of each other by the events that they emit and listen to here.
//
//   answer   what the server said about the current picture, or {empty: sentence}
//   wants    a view was opened, so that answers must hold more
//   network  this visitor's network has changed: everything known about it is stale
//   mapped   its t-SNE map is ready: only the places of the samples have changed
//   restored it is the shipped one again, as the visitor wished: said just before
//   kind     the visitor says what the current picture is (a key of facts.kinds), or null: find out again
//   sample   a test sample was chosen, to become the current picture (its place on the sheet)
//   channel  a channel of a layer was chosen: {layer, channel, count}, or null: none
//   showchannel   what is known about it is to be brought into view
//   closechannel  the choice is to be taken back
//   layers   the rows of the table of layers of the network that answers now
//   points   where the test samples lie, and what the network answers to them: {pca, pixels, tsne, answers}; from now on
//            samples.labels holds as many
//   marked   test samples to be shown among the others (a list of places on the sheet, perhaps empty)
//   link     the page's address is another link now
//   tab      a tab is to be opened (its name as in a link: "look-inside")
//   tour     the visitor wants to be shown around
//   theme    light or dark was switched

window.fmnist = (() => {
  const listeners = {};
  const on = (event, listener) => (listeners[event] ??= []).push(listener);
  const last = {};
  const emit = (event, detail) => {
    last[event] = detail;
    for (const listener of listeners[event] ?? []) {
      try {
        listener(detail);
      } catch (problem) {
        reportError(problem); // of one view, which must not stop the others
      }
    }
  };
  const latest = (event) => last[event]; // for a view that is made later, when its tab is first opened

  // Names this tab's visitor to the server. It outlives a reload, so that a trained network is not lost with it.
  // (crypto.randomUUID would be shorter, but does not exist on plain http pages.)
  const visitor = (() => {
    const fresh = () =>
      Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
    try {
      const known = sessionStorage.getItem("fmnist-visitor") ?? fresh();
      sessionStorage.setItem("fmnist-visitor", known);
      return known;
    } catch {
      return fresh(); // storage is forbidden: the visitor lasts as long as the page
    }
  })();

  const PATIENCE = 60_000; // milliseconds for one answer, a photo's way up a slow line included

  // A server function swallows its exceptions and then answers nothing at all.
  const call = async (serverFunction, request) => {
    let timer;
    try {
      const silence = new Promise((resolve) => (timer = setTimeout(resolve, PATIENCE)));
      const reply = await Promise.race([serverFunction({ visitor, ...request }), silence]);
      if (reply && typeof reply === "object") return reply;
    } catch {
      // the network is down, or the server has gone
    } finally {
      clearTimeout(timer);
    }
    return { error: "The server did not answer. Try again in a moment." };
  };

  // In the widget's place for it: the sentence, or nothing any more.
  const showProblem = (element, sentence = "") => {
    const place = element.querySelector(".problem");
    place.textContent = sentence;
    place.hidden = !sentence;
  };

  const bytes = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const words16 = (base64) => new Uint16Array(bytes(base64).buffer);
  const floats32 = (base64) => new Float32Array(bytes(base64).buffer);

  // Parts of answers that only an open view asks for, each with what it wants to know of it; null: nothing any more.
  const wanted = {};
  const want = (part, value) => {
    if (JSON.stringify(wanted[part] ?? null) === JSON.stringify(value)) return;
    if (value === null) return delete wanted[part];
    wanted[part] = value;
    emit("wants");
  };

  // What of the page is open, kept in its address: such a link opens the same view elsewhere. What comes out of it may
  // have been made up by anyone.
  const link = {
    get: (key) => new URLSearchParams(location.hash.slice(1)).get(key),
    set(key, value) {
      if (link.get(key) === value) return; // a stroke says so at every point
      const parts = new URLSearchParams(location.hash.slice(1));
      if (value === null) parts.delete(key);
      else parts.set(key, value);
      try {
        history.replaceState(history.state, "", parts.size ? `#${parts}` : location.pathname + location.search);
      } catch {
        // Safari allows a hundred changes in half a minute: the address is right again at the next one
      }
    },
  };

  const unbroken = (text) => text.replaceAll("T-shirt", "T\u2011shirt"); // at its hyphen

  const percent = (part) => (part > 0 && part < 0.005 ? "<1 %" : `${Math.round(100 * part)} %`); // of a probability

  // What this browser remembers of earlier visits; nothing where storage is forbidden.
  const kept = (key) => {
    try {
      return localStorage.getItem(`fmnist-${key}`);
    } catch {
      return null;
    }
  };
  const keep = (key, value) => {
    try {
      localStorage.setItem(`fmnist-${key}`, value);
    } catch {
      // it lasts as long as the page
    }
  };

  const isCalm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
  const bringIntoView = (element) => element.scrollIntoView({ block: "nearest", behavior: isCalm() ? "auto" : "smooth" });

  const whenVisible = (element, listener) => {
    new IntersectionObserver((entries) => listener(entries.at(-1).isIntersecting)).observe(element);
  };

  // Canvas of width x height CSS pixels, sharp on every screen; returns its context, scaled to CSS pixels.
  const fitCanvas = (canvas, width, height) => {
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    return context;
  };

  // 28x28 grey values as an image of that size, bright on black.
  const greyImage = (pixels) => {
    const image = new ImageData(28, 28);
    for (let i = 0; i < 784; i++) image.data.set([pixels[i], pixels[i], pixels[i], 255], 4 * i);
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 28;
    canvas.getContext("2d").putImageData(image, 0, 0);
    return canvas;
  };

  const isDark = () => document.body.classList.contains("dark");
  const colour = (name) => getComputedStyle(document.querySelector(".gradio-container")).getPropertyValue(name).trim();

  // 256 colours for values -1..1: blue below zero, orange above, the colour of the page at zero.
  const signedColours = () => {
    const middle = isDark() ? [32, 33, 40] : [244, 244, 246];
    const [below, above] = isDark() ? [[90, 170, 255], [255, 160, 60]] : [[20, 90, 190], [200, 80, 0]];
    return Array.from({ length: 256 }, (_, i) => {
      const value = (i - 128) / 127;
      const part = Math.min(1, Math.abs(value)) ** 0.8; // lifts small values, which would look like none
      return middle.map((from, c) => Math.round(from + part * ((value < 0 ? below : above)[c] - from)));
    });
  };

  // Levels of a map (128 is zero) as an image of its size; ``part`` of the colours is used, for maps on a common scale.
  const signedImage = (levels, width, height, colours, part) => {
    const image = new ImageData(width, height);
    for (let i = 0; i < width * height; i++) {
      const [red, green, blue] = colours[128 + Math.round((levels[i] - 128) * part)];
      image.data[4 * i] = red;
      image.data[4 * i + 1] = green;
      image.data[4 * i + 2] = blue;
      image.data[4 * i + 3] = 255;
    }
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [width, height];
    canvas.getContext("2d").putImageData(image, 0, 0);
    return canvas;
  };

  // One map of a layer as the server sends it, or one number of a vector, and its range in words.
  const mapOf = ({ shape, tops, values }, channel) => {
    const isVector = shape.length === 1;
    const [height, width] = isVector ? [1, 1] : shape.slice(1);
    const levels = bytes(values).subarray(channel * height * width, (channel + 1) * height * width);
    const top = tops[isVector ? 0 : channel];
    const value = (level) => (((level - 128) / 127) * top).toPrecision(3).replace("-", "−");
    const words = isVector ? value(levels[0]) : `from ${value(Math.min(...levels))} to ${value(Math.max(...levels))}`;
    return { isVector, height, width, levels, top, words };
  };

  // What every widget knows from the start. The server tells it as soon as its network is loaded, which the browser may
  // have to wait for; the widgets are made after that.
  let facts;
  let begin;
  const ready = new Promise((resolve) => (begin = resolve)).then((told) => {
    facts = told;
    samples.columns = facts.samples.columns;
    samples.use(bytes(facts.samples.labels), words16(facts.samples.numbers));
    samples.sheet.src = facts.samples.sheet;
  });

  // The test samples: one picture with all of them, their true classes and their numbers in the data set. The server may
  // have the others, too: these then count on after the samples, and have a picture of their own.
  const samples = {
    sheet: new Image(),
    otherSheet: new Image(),
    name: (index) => facts.classes[samples.labels[index]],
    title: (index) => `${samples.name(index)}, test image ${samples.numbers[index]}`,
    // Place of the sample with that number in the data set, given as text; -1: there is none.
    numbered: (text) => (/^\d{1,5}$/.test(text) ? samples.numbers.indexOf(Number(text)) : -1),
    draw(context, index, x, y, size) {
      const isShipped = index < facts.samples.count;
      const place = isShipped ? index : index - facts.samples.count;
      const [left, top] = [28 * (place % samples.columns), 28 * Math.floor(place / samples.columns)];
      context.imageSmoothingEnabled = false;
      context.drawImage(isShipped ? samples.sheet : samples.otherSheet, left, top, 28, 28, x, y, size, size);
    },
    // Which ones there are: labels and numbers, those of the samples first.
    use(labels, numbers) {
      [samples.labels, samples.numbers, samples.count] = [labels, numbers, labels.length];
    },
    // A button with the sample's thumbnail; a click makes it the current picture.
    button(index, size) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "thumbnail";
      button.title = samples.title(index);
      button.setAttribute("aria-label", samples.title(index));
      const canvas = document.createElement("canvas");
      const draw = () => samples.draw(fitCanvas(canvas, size, size), index, 0, 0, size);
      if (samples.ready) draw();
      else samples.sheet.addEventListener("load", draw, { once: true });
      button.append(canvas);
      button.addEventListener("click", () => emit("sample", index));
      return button;
    },
    // Until the sheet is there; it is asked for once more when that failed.
    load: () => samples.sheet.decode().catch(() => {
      samples.sheet.src = facts.samples.sheet;
      return samples.sheet.decode();
    }),
    get ready() {
      return samples.sheet.complete && samples.sheet.naturalWidth > 0;
    },
  };

  const watchTheme = () => {
    let dark = isDark();
    new MutationObserver(() => {
      if (dark !== isDark()) emit("theme", (dark = isDark()));
    }).observe(document.body, { attributes: true, attributeFilter: ["class"] });
  };
  if (document.body) watchTheme();
  else document.addEventListener("DOMContentLoaded", watchTheme);

  return {
    on, emit, latest, call, showProblem, bytes, words16, floats32, isDark, isCalm, bringIntoView, want, wanted, link, kept, keep,
    unbroken, percent, whenVisible, fitCanvas, greyImage, colour, signedColours, signedImage, mapOf, samples, ready, begin,
    get facts() {
      return facts;
    },
  };
})();
