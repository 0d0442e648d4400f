// The map: the test images, placed by what the network makes of them or by their bare pixels, and the current picture
// among them. Two canvases lie on each other: one with the marks of the images, painted when the view changes, and one
// with all that comes and goes.
//
// A place is x and y as parts of the box around all images shown, y upwards; lists of places hold x and y in turns.

fmnist.mountMap = (element, server) => {
  const { samples, facts } = fmnist;
  const find = (selector) => element.querySelector(selector);
  const holder = element.closest("#map");
  const plane = find(".plane");
  const over = find(".over");
  const tip = find(".tip");
  const MARGIN = 22; // CSS pixels between the outermost marks and the frame
  const REACH = 12; // CSS pixels from the pointer to the mark that it is about
  const DRAG = 4; // CSS pixels that a pointer moves before a click becomes a drag
  const TRAVEL = 600; // milliseconds from one layout to another
  const MOST_ZOOM = 40;
  const TRAIL = 40; // last places of the visitor's picture
  const CELLS = 64; // squares along each side of the grid in which marks are looked up
  const LAYOUTS = {
    pca:
      "Seen from the two directions in which the embeddings differ most (principal components). Your place is exact.",
    tsne:
      "Arranged so that neighbours stay neighbours; distances between far groups mean nothing. Your place is an " +
      "estimate from the five nearest images.",
    pixels:
      "Without any network: seen from the two directions in which the pixels themselves differ most (principal " +
      "components). Your place is exact.",
  };
  const COLOURS = {
    true: "Each mark shows what the image is.",
    predicted: "Each mark shows what the network takes the image for.",
    mistakes: "Only images that the network gets wrong are in colour; the mark shows what it takes them for.",
  };

  let layout = "pca";
  let colour = "true";
  let alone = null; // the class that is not faded, when one is chosen
  let shipped = null; // points of the samples, as the event has them
  let whole = null; // those of all test images, once they were asked for
  let shownAre = null; // one of the two
  let points = null; // the same, as parts of the box around all that are shown
  let frames = {}; // of each layout, the box around all points shown: {low, high}, in parts of the samples' box
  let others = 0; // test images that the server has besides the samples
  let places = null; // where the marks are now: on their way while they travel
  let journey = 0; // counts layouts chosen, so that a new one ends the way to the old one
  let you = null; // {spots, nearest, kind} of the current picture
  let start = null; // where the current picture began to travel, and the part of the way that it has made
  let trail = []; // its last places, the latest last
  let marked = []; // samples with a ring around them
  let lit = -1; // the image that the pointer or the keyboard is at
  let route = []; // images that the keyboard walks through, and where on it is
  let step = -1;
  let view = { zoom: 1, x: 0.5, y: 0.5 }; // the place in the middle
  let [width, height] = [0, 0];
  let look = {}; // colours of the page

  // --- marks: a shape for each class besides its colour --------------------------------------------------------------

  const bar = (x, y) => [[-x, -y], [x, -y], [x, y], [-x, y]];
  const turned = (corners, turn) =>
    corners.map(([x, y]) => [x * Math.cos(turn) - y * Math.sin(turn), x * Math.sin(turn) + y * Math.cos(turn)]);
  const arm = [[-0.36, -1.1], [0.36, -1.1], [0.36, -0.36]];
  const plus = [0, 1, 2, 3].flatMap((quarter) => turned(arm, (quarter * Math.PI) / 2));
  const star = Array.from({ length: 10 }, (_, i) => turned([[0, i % 2 ? -0.55 : -1.3]], (i * Math.PI) / 5)[0]);
  // In the order of the classes, as corners around the middle; null is a circle.
  const SHAPES = [
    null,
    bar(0.5, 1.15),
    bar(0.85, 0.85),
    [[0, -1.15], [1.1, 0.85], [-1.1, 0.85]],
    [[0, -1.25], [1.05, 0], [0, 1.25], [-1.05, 0]],
    turned(plus, Math.PI / 4),
    plus,
    bar(1.15, 0.5),
    [[0, 1.15], [1.1, -0.85], [-1.1, -0.85]],
    star,
  ];

  const traceShape = (context, label, x, y, radius) => {
    context.beginPath();
    if (SHAPES[label] === null) context.arc(x, y, 0.95 * radius, 0, 2 * Math.PI);
    else SHAPES[label].forEach(([dx, dy]) => context.lineTo(x + radius * dx, y + radius * dy));
    context.closePath();
  };

  const mixed = ([...one], other, part) =>
    `rgb(${one.map((level, c) => Math.round(level + part * (other[c] - level))).join()})`;
  const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = (colour) => {
    probe.fillStyle = colour;
    probe.fillRect(0, 0, 1, 1);
    return probe.getImageData(0, 0, 1, 1).data.slice(0, 3);
  };

  // The pale colours would be lost on white and the deep ones on black: each has an edge that stands out.
  const paintMark = (context, label, x, y, radius, isDark) => {
    traceShape(context, label, x, y, radius);
    context.fillStyle = facts.colours[label];
    context.fill();
    context.strokeStyle = mixed(rgb(facts.colours[label]), isDark ? [255, 255, 255] : [0, 0, 0], 0.45);
    context.stroke();
  };

  // Each mark painted once for its size, the plain ones and then the faded ones, as the pixels that it consists of: to
  // copy these by hand takes a third of the time of drawImage, and 10,000 marks travel smoothly.
  let [stamps, stampsAre] = [[], ""];
  const makeStamps = (radius, ratio, imageWidth) => {
    const are = [radius, ratio, imageWidth, look.isDark].join();
    if (are === stampsAre) return;
    const side = 2 * Math.ceil(1.4 * radius * ratio + ratio);
    stamps = [...SHAPES.keys(), ...SHAPES.keys()].map((label, i) => {
      const canvas = document.createElement("canvas");
      canvas.width = canvas.height = side;
      const context = canvas.getContext("2d", { willReadFrequently: true });
      context.lineWidth = ratio * Math.min(1, radius / 4);
      if (i < SHAPES.length) {
        paintMark(context, label, side / 2, side / 2, radius * ratio, look.isDark);
      } else {
        traceShape(context, label, side / 2, side / 2, 0.8 * radius * ratio);
        context.fillStyle = mixed(rgb(look.ground), rgb(look.subdued), 0.3);
        context.fill();
      }
      const { data } = context.getImageData(0, 0, side, side);
      const places = Array.from({ length: side * side }, (_, place) => place);
      const inside = places.filter((place) => data[4 * place + 3] === 255);
      const edge = places.filter((place) => data[4 * place + 3] > 0 && data[4 * place + 3] < 255);
      // How far on the pixel is, in an image of that width, from the one in the corner.
      const steps = (list) => Int32Array.from(list, (place) => Math.floor(place / side) * imageWidth + (place % side));
      const colours = new Uint32Array(data.buffer);
      return {
        side,
        inside: steps(inside),
        colours: Uint32Array.from(inside, (place) => colours[place]),
        edge: steps(edge),
        levels: Uint8Array.from(edge.flatMap((place) => [...data.subarray(4 * place, 4 * place + 4)])),
      };
    });
    stampsAre = are;
  };
  const putStamp = ({ inside, colours, edge, levels }, data, pixels, corner) => {
    for (let i = 0; i < inside.length; i++) pixels[corner + inside[i]] = colours[i];
    for (let i = 0; i < edge.length; i++) {
      const to = 4 * (corner + edge[i]);
      const part = levels[4 * i + 3] / 255;
      for (let c = 0; c < 3; c++) data[to + c] += part * (levels[4 * i + c] - data[to + c]);
    }
  };

  const markCanvas = (label, isDark) => {
    const canvas = document.createElement("canvas");
    const context = fmnist.fitCanvas(canvas, 16, 16);
    paintMark(context, label, 8, 8, 5.5, isDark);
    return canvas;
  };

  // Which of the stamps an image has now.
  let stampOf = new Uint8Array(0);
  const isFaded = (index) => stampOf[index] >= SHAPES.length;
  const restyle = () => {
    if (!points) return;
    stampOf = Uint8Array.from(points.answers, (answer, index) => {
      const label = colour === "true" ? samples.labels[index] : answer;
      const fades = (colour === "mistakes" && answer === samples.labels[index]) || (alone !== null && label !== alone);
      return fades ? label + SHAPES.length : label;
    });
    holder.dataset.plain = String(stampOf.filter((stamp) => stamp < SHAPES.length).length);
    route = [];
    light(-1);
    repaint();
  };

  // --- from places to CSS pixels and back ----------------------------------------------------------------------------

  const scale = () => [view.zoom * (width - 2 * MARGIN), view.zoom * (height - 2 * MARGIN)];
  const toPage = ([x, y]) => {
    const [across, up] = scale();
    return [width / 2 + (x - view.x) * across, height / 2 - (y - view.y) * up];
  };
  const toPlace = ([left, top]) => {
    const [across, up] = scale();
    return [view.x + (left - width / 2) / across, view.y - (top - height / 2) / up];
  };
  const placeOf = (index) => [places[2 * index], places[2 * index + 1]];

  // Shows another part of the map, none beyond its edges; tells whether that is another one.
  const setView = ({ zoom, x, y }) => {
    const before = view;
    zoom = Math.max(1, Math.min(MOST_ZOOM, zoom));
    const [least, most] = [0.5 / zoom, 1 - 0.5 / zoom];
    view = { zoom, x: Math.max(least, Math.min(most, x)), y: Math.max(least, Math.min(most, y)) };
    if (view.zoom === before.zoom && view.x === before.x && view.y === before.y) return false;
    plane.classList.toggle("zoomed", zoom > 1);
    find("[data-zoom=in]").disabled = zoom === MOST_ZOOM;
    find("[data-zoom=out]").disabled = find("[data-zoom=reset]").disabled = zoom === 1;
    route = [];
    repaint();
    return true;
  };
  // What is at that place of the page stays there.
  const zoomBy = (factor, [left, top] = [width / 2, height / 2]) => {
    const zoom = Math.max(1, Math.min(MOST_ZOOM, view.zoom * factor));
    const [x, y] = toPlace([left, top]);
    const part = view.zoom / zoom;
    return setView({ zoom, x: x + (view.x - x) * part, y: y + (view.y - y) * part });
  };
  const moveBy = (left, top) => {
    const [across, up] = scale();
    return setView({ ...view, x: view.x - left / across, y: view.y + top / up });
  };
  const wholeMap = () => setView({ zoom: 1, x: 0.5, y: 0.5 });

  // Marks by the square of a grid that they lie in: the pointer is compared with the few around it.
  let [cellStarts, inCells] = [null, null];
  const cell = (part) => Math.max(0, Math.min(CELLS - 1, Math.floor(part * CELLS)));
  const cellOf = (index) => cell(places[2 * index + 1]) * CELLS + cell(places[2 * index]);
  const fillCells = () => {
    const count = places.length / 2;
    cellStarts = new Uint32Array(CELLS * CELLS + 1);
    inCells = new Uint32Array(count);
    for (let i = 0; i < count; i++) cellStarts[cellOf(i) + 1]++;
    for (let c = 0; c < CELLS * CELLS; c++) cellStarts[c + 1] += cellStarts[c];
    const next = cellStarts.slice();
    for (let i = 0; i < count; i++) inCells[next[cellOf(i)]++] = i;
  };

  const nearestTo = ([left, top]) => {
    if (!inCells) return -1; // on their way
    const [x, y] = toPlace([left, top]);
    const [across, up] = scale();
    let [best, shortest] = [-1, REACH ** 2];
    for (let row = cell(y - REACH / up); row <= cell(y + REACH / up); row++) {
      const [from, to] = [cell(x - REACH / across), cell(x + REACH / across)].map((column) => row * CELLS + column);
      for (let i = cellStarts[from]; i < cellStarts[to + 1]; i++) {
        const index = inCells[i];
        const distance = ((places[2 * index] - x) * across) ** 2 + ((places[2 * index + 1] - y) * up) ** 2;
        if (distance < shortest && !isFaded(index)) [best, shortest] = [index, distance];
      }
    }
    return best;
  };

  // --- painting ------------------------------------------------------------------------------------------------------

  const clean = (canvas) => {
    const ratio = window.devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      return fmnist.fitCanvas(canvas, width, height);
    }
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, width, height);
    return context;
  };

  const dots = find(".dots").getContext("2d", { willReadFrequently: true });
  let image = null; // the pixels of the marks

  const paintMarks = () => {
    const ratio = window.devicePixelRatio || 1;
    const count = places.length / 2;
    const radius = (width < 500 ? 3.2 : 4) * (count > 4000 ? 0.75 : 1) * Math.min(2, view.zoom ** 0.35);
    if (image?.width !== Math.round(width * ratio) || image.height !== Math.round(height * ratio)) {
      fmnist.fitCanvas(dots.canvas, width, height);
      image = new ImageData(dots.canvas.width, dots.canvas.height);
    }
    makeStamps(Math.round(4 * radius) / 4, ratio, image.width);
    const pixels = new Uint32Array(image.data.buffer);
    image.data.set([...rgb(look.ground), 255]);
    pixels.fill(pixels[0]);
    const [across, up] = scale().map((side) => side * ratio);
    const [{ side }] = stamps;
    const left = (width / 2) * ratio - view.x * across - side / 2;
    const top = (height / 2) * ratio + view.y * up - side / 2;
    for (const faded of [true, false]) {
      for (let i = 0; i < count; i++) {
        if (isFaded(i) !== faded) continue;
        const [x, y] = [Math.round(left + places[2 * i] * across), Math.round(top - places[2 * i + 1] * up)];
        if (x < 0 || y < 0 || x + side > image.width || y + side > image.height) continue; // cut by the frame
        putStamp(stamps[stampOf[i]], image.data, pixels, y * image.width + x);
      }
    }
    dots.putImageData(image, 0, 0);
  };

  // The current picture's place in a layout; outside the map: at its edge.
  const yourGoal = (name) => {
    const spot = you?.spots[name];
    if (!spot) return null;
    const { low, high } = frames[name];
    return spot.map((part, i) => Math.max(-0.015, Math.min(1.015, (part - low[i]) / (high[i] - low[i]))));
  };
  const yourPlace = () => {
    const goal = yourGoal(layout);
    if (!goal || !start) return goal;
    return goal.map((part, i) => start.place[i] + start.part * (part - start.place[i]));
  };

  const ring = (context, place, radius) => {
    context.beginPath();
    context.arc(...toPage(place), radius, 0, 2 * Math.PI);
    context.stroke();
  };
  const line = (context, from, to) => {
    context.beginPath();
    context.moveTo(...toPage(from));
    context.lineTo(...toPage(to));
    context.stroke();
  };

  const paintOver = () => {
    const context = clean(over);
    const place = yourPlace();
    context.globalAlpha = 1;
    context.strokeStyle = look.ink;
    context.lineWidth = 1.5;
    for (const index of marked) if (index < places.length / 2) ring(context, placeOf(index), 6);
    if (place) {
      context.lineWidth = 1;
      context.globalAlpha = 0.55;
      for (const { index } of you.nearest) line(context, place, placeOf(index));
      context.strokeStyle = look.accent;
      context.lineWidth = 2.5;
      for (let i = 1; i < trail.length; i++) {
        context.globalAlpha = i / trail.length;
        line(context, trail[i - 1], trail[i]);
      }
    }
    context.globalAlpha = 1;
    if (lit >= 0) {
      context.strokeStyle = look.ground;
      context.lineWidth = 5;
      ring(context, placeOf(lit), 9);
      context.strokeStyle = look.accent;
      context.lineWidth = 2.5;
      ring(context, placeOf(lit), 9);
    }
    if (place) {
      context.strokeStyle = look.ink;
      context.fillStyle = look.ground;
      context.lineWidth = 3.5;
      ring(context, place, 8);
      context.fill();
      holder.dataset.you = toPage(place).map(Math.round).join();
    } else {
      delete holder.dataset.you;
    }
    holder.dataset.trail = String(trail.length);
    if (lit >= 0) placeTip();
  };

  let due = 0; // the frame in which all is painted anew
  const repaint = () => {
    due ||= requestAnimationFrame(() => {
      due = 0;
      if (!places || !width) return;
      paintMarks();
      paintOver();
      holder.dataset.zoom = view.zoom.toFixed(2);
    });
  };
  const repaintOver = () => {
    if (places && width && !due) paintOver();
  };

  const readLook = () => {
    look = {
      isDark: fmnist.isDark(),
      ink: fmnist.colour("--body-text-color"),
      ground: fmnist.colour("--background-fill-primary"),
      accent: fmnist.colour("--color-accent"),
      subdued: fmnist.colour("--body-text-color-subdued"),
    };
    find(".legend").querySelectorAll("button").forEach((button, label) => {
      button.firstChild.replaceWith(markCanvas(label, look.isDark));
    });
  };

  // --- the image that the pointer or the keyboard is at --------------------------------------------------------------

  const placeTip = () => {
    const [x, y] = toPage(placeOf(lit));
    const [wide, high] = [tip.offsetWidth, tip.offsetHeight];
    tip.style.left = `${Math.max(4, Math.min(width - wide - 4, x + 16))}px`;
    tip.style.top = `${Math.max(4, Math.min(height - high - 4, y > height / 2 ? y - 16 - high : y + 16))}px`;
  };

  const light = (index) => {
    if (index === lit) return;
    lit = index;
    tip.hidden = index < 0;
    holder.dataset.lit = index < 0 ? "" : String(index);
    if (index >= 0) {
      const [label, answer] = [samples.labels[index], points.answers[index]];
      const isDark = true; // as the tip is, in both themes
      samples.draw(fmnist.fitCanvas(find(".picture"), 84, 84), index, 0, 0, 84);
      find(".class").replaceChildren(markCanvas(label, isDark), facts.classes[label]);
      find(".taken").replaceChildren("network:", markCanvas(answer, isDark), facts.classes[answer]);
      find(".number").textContent = `test image ${samples.numbers[index]}`;
    }
    repaintOver();
  };
  const inWords = (index) => {
    const [label, answer] = [samples.labels[index], points.answers[index]];
    return `${samples.title(index)}, ${answer === label ? "recognised" : `taken for ${facts.classes[answer]}`}`;
  };

  // Through the images around the one that is lit, or around the middle, nearest first.
  const walk = (by) => {
    if (!inCells) return;
    if (!route.length) {
      const [x, y] = lit >= 0 ? placeOf(lit) : [view.x, view.y];
      const far = (index) => (places[2 * index] - x) ** 2 + (places[2 * index + 1] - y) ** 2;
      route = Array.from(stampOf.keys()).filter((index) => !isFaded(index)).sort((a, b) => far(a) - far(b));
      step = lit >= 0 ? 0 : -1;
    }
    if (!route.length) return;
    step = Math.max(0, Math.min(route.length - 1, step + by));
    const kept = route;
    const [left, top] = toPage(placeOf(route[step]));
    if (left < 0 || top < 0 || left > width || top > height) {
      setView({ ...view, x: places[2 * route[step]], y: places[2 * route[step] + 1] });
    }
    route = kept;
    light(route[step]);
    find(".spoken").textContent = inWords(lit);
  };

  // --- what is shown -------------------------------------------------------------------------------------------------

  const press = (name, value) => {
    element.querySelectorAll(`[data-${name}]`).forEach((button) => {
      button.setAttribute("aria-pressed", String(button.dataset[name] === value));
    });
  };

  const counted = (count) => count.toLocaleString("en");

  const describe = () => {
    const isMore = shownAre !== shipped && layout === "tsne";
    const wrong = points.answers.reduce((sum, answer, index) => sum + (answer !== samples.labels[index]), 0);
    find(".note").textContent = [
      LAYOUTS[layout],
      isMore ? `So are the places of all images but the ${counted(facts.samples.count)} shipped ones.` : "",
      points.tsne ? "" : "t-SNE is not ready for this network.",
      COLOURS[colour],
      colour === "mistakes" ? `These are ${counted(wrong)} of ${counted(samples.count)}.` : "",
    ].filter(Boolean).join(" ");
  };

  // The marks go from where they are to where they belong; new ones are there at once.
  const travel = () => {
    const mine = ++journey;
    const goal = points[layout];
    const from = goal.slice();
    if (places) from.set(places.subarray(0, goal.length));
    const began = performance.now();
    const isSudden = !places || !width || matchMedia("(prefers-reduced-motion: reduce)").matches;
    trail = [];
    light(-1);
    inCells = null;
    route = [];
    places = from.slice();
    holder.dataset.moving = "true";
    const move = (now) => {
      if (mine !== journey) return;
      const part = isSudden ? 1 : Math.max(0, Math.min(1, (now - began) / TRAVEL));
      const eased = part < 0.5 ? 4 * part ** 3 : 1 - 4 * (1 - part) ** 3;
      for (let i = 0; i < goal.length; i++) places[i] = from[i] + eased * (goal[i] - from[i]);
      if (start) start.part = eased;
      if (part < 1) {
        requestAnimationFrame(move);
      } else {
        start = null;
        places.set(goal);
        fillCells();
        const place = yourPlace();
        if (place) trail = [place];
        holder.dataset.moving = "false";
      }
      repaint();
    };
    move(began);
  };

  const choose = (name) => {
    const place = places && yourPlace();
    layout = points[name] ? name : "pca";
    press("layout", layout);
    start = place && yourGoal(layout) ? { place, part: 0 } : null;
    holder.dataset.layout = layout;
    describe();
    travel();
  };

  const colourBy = (name) => {
    colour = name;
    press("colour", name);
    holder.dataset.colour = name;
    if (points) describe();
    restyle();
  };

  const isolate = (label) => {
    alone = alone === label ? null : label;
    find(".legend").querySelectorAll("button").forEach((button, each) => {
      button.setAttribute("aria-pressed", String(each === alone));
    });
    restyle();
  };

  // --- from the server -----------------------------------------------------------------------------------------------

  const NAMES = ["pca", "pixels", "tsne"];
  const more = find(".more");
  const ownLabels = [samples.labels, samples.numbers];
  let loads = 0; // counts what was asked of the server: an answer about a network that is gone is dropped

  const offer = () => {
    more.hidden = !others;
    more.disabled = false;
    const [few, all] = [counted(facts.samples.count), counted(facts.samples.count + others)];
    more.textContent = shownAre === shipped ? `Show all ${all}` : `Show only ${few}`;
  };

  // Shows points, whose places are parts of the samples' box.
  const show = (chosen) => {
    samples.use(...(chosen === shipped ? ownLabels : [chosen.labels, chosen.numbers]));
    frames = {};
    points = { answers: chosen.answers };
    for (const name of NAMES) {
      points[name] = chosen[name] && new Float32Array(chosen[name].length);
      if (!chosen[name]) continue;
      const [low, high] = [[Infinity, Infinity], [-Infinity, -Infinity]];
      chosen[name].forEach((part, i) => {
        low[i % 2] = Math.min(low[i % 2], part);
        high[i % 2] = Math.max(high[i % 2], part);
      });
      const size = high.map((most, axis) => most - low[axis] || 1);
      frames[name] = { low, high: low.map((least, axis) => least + size[axis]) };
      chosen[name].forEach((part, i) => (points[name][i] = (part - low[i % 2]) / size[i % 2]));
    }
    shownAre = chosen;
    find("[data-layout=tsne]").disabled = !points.tsne;
    offer();
    holder.dataset.points = String(samples.count);
    restyle();
    choose(layout);
    fmnist.emit("points", points);
  };

  const load = async () => {
    const mine = ++loads;
    const reply = await fmnist.call(server.points, {});
    if (mine !== loads) return;
    find(".problem").textContent = reply.error ?? "";
    find(".problem").hidden = !reply.error;
    if (reply.error) return;
    shipped = { answers: fmnist.bytes(reply.answers) };
    for (const name of NAMES) {
      shipped[name] = reply[name] && Float32Array.from(fmnist.words16(reply[name]), (part) => part / 65535);
    }
    [whole, others] = [null, reply.others];
    find(".said").textContent = "";
    show(shipped);
  };

  const joined = (kind, first, parts) => {
    const list = new kind(parts.reduce((sum, part) => sum + part.length, first.length));
    let end = first.length;
    list.set(first);
    for (const part of parts) {
      list.set(part, end);
      end += part.length;
    }
    return list;
  };

  // Part by part, as the network takes seconds to look at them all.
  const loadOthers = async () => {
    const mine = loads;
    const parts = [];
    let [got, reply] = [0, null];
    more.disabled = true;
    find(".said").textContent = "The network looks at the other test images.";
    do {
      more.textContent = `${counted(facts.samples.count + got)} of ${counted(facts.samples.count + others)} …`;
      reply = await fmnist.call(server.all_points, { part: parts.length });
      if (mine !== loads) return;
      if (reply.error) break;
      parts.push(reply);
      got += fmnist.bytes(reply.labels).length;
    } while (got < reply.count);
    if (!reply.error) {
      samples.otherSheet.src = reply.sheet;
      await samples.otherSheet.decode().catch(() => (reply = { error: "The images themselves could not be loaded." }));
      if (mine !== loads) return;
    }
    find(".said").textContent = reply.error ?? "";
    if (reply.error) return offer();
    const all = (name, decode) => parts.map((part) => decode(part[name]));
    whole = {
      answers: joined(Uint8Array, shipped.answers, all("answers", fmnist.bytes)),
      labels: joined(Uint8Array, ownLabels[0], all("labels", fmnist.bytes)),
      numbers: joined(Uint16Array, ownLabels[1], all("numbers", fmnist.words16)),
    };
    for (const name of NAMES) {
      const isThere = shipped[name] && parts.every((part) => part[name]);
      whole[name] = isThere ? joined(Float32Array, shipped[name], all(name, fmnist.floats32)) : null;
    }
    show(whole);
  };

  // --- pointer, wheel and keys ---------------------------------------------------------------------------------------

  const down = new Map(); // pointers that are pressed, and where they are
  let [pressedAt, isDrag] = [null, false];
  const at = (event) => {
    const box = over.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const between = ([x0, y0], [x1, y1]) => Math.hypot(x1 - x0, y1 - y0);
  const middle = ([x0, y0], [x1, y1]) => [(x0 + x1) / 2, (y0 + y1) / 2];

  over.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    down.set(event.pointerId, at(event));
    over.setPointerCapture(event.pointerId);
    if (down.size === 1) [pressedAt, isDrag] = [at(event), false];
    else isDrag = true;
  });
  over.addEventListener("pointermove", (event) => {
    const place = at(event);
    if (!down.has(event.pointerId)) {
      const index = points ? nearestTo(place) : -1;
      plane.classList.toggle("onto", index >= 0);
      return light(index);
    }
    const before = [...down.values()];
    const last = down.get(event.pointerId);
    down.set(event.pointerId, place);
    if (before.length === 2) {
      const after = [...down.values()];
      const [from, to] = [middle(...before), middle(...after)];
      zoomBy(between(...after) / Math.max(1, between(...before)), from);
      moveBy(to[0] - from[0], to[1] - from[1]);
    } else if (isDrag || between(pressedAt, place) > DRAG) {
      const from = isDrag ? last : pressedAt;
      isDrag = true;
      plane.classList.add("dragged");
      light(-1);
      moveBy(place[0] - from[0], place[1] - from[1]);
    }
  });
  for (const name of ["pointerup", "pointercancel"]) {
    over.addEventListener(name, (event) => {
      down.delete(event.pointerId);
      plane.classList.remove("dragged");
    });
  }
  over.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && !down.size && light(-1));
  // One finger scrolls the page, unless the map is zoomed; two are for the map alone.
  for (const name of ["touchstart", "touchmove"]) {
    over.addEventListener(name, (event) => event.touches.length > 1 && event.preventDefault(), { passive: false });
  }
  over.addEventListener("click", (event) => {
    if (isDrag || event.detail > 1 || !points) return;
    const index = nearestTo(at(event));
    light(index);
    if (index >= 0) fmnist.emit("sample", index);
  });
  over.addEventListener("dblclick", (event) => zoomBy(2, at(event)));
  over.addEventListener(
    "wheel",
    (event) => {
      const isMeant = event.ctrlKey || event.metaKey;
      if (!isMeant && document.activeElement !== over) return;
      // Of a mouse a turn is about 100 pixels or 3 lines; two fingers on a touchpad give small ones, with Ctrl.
      const turn = event.deltaMode ? 33 * event.deltaY : event.deltaY;
      const changes = zoomBy(Math.exp(-turn * (isMeant && Math.abs(turn) < 50 ? 0.01 : 0.002)), at(event));
      if (isMeant || changes) event.preventDefault(); // at its end, the wheel scrolls the page
    },
    { passive: false },
  );

  // What a key does; false: nothing, and the page may take it.
  const KEYS = {
    "+": () => zoomBy(1.5), "=": () => zoomBy(1.5), "-": () => zoomBy(1 / 1.5), 0: wholeMap,
    ArrowLeft: () => moveBy(60, 0), ArrowRight: () => moveBy(-60, 0),
    ArrowUp: () => moveBy(0, 60), ArrowDown: () => moveBy(0, -60),
    n: () => walk(1), N: () => walk(-1), Escape: () => light(-1),
    Enter: () => (lit >= 0 ? fmnist.emit("sample", lit) : walk(1)),
  };
  over.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !points || !KEYS[event.key]) return;
    if (KEYS[event.key]() !== false) event.preventDefault();
  });

  // --- controls ------------------------------------------------------------------------------------------------------

  element.querySelectorAll("[data-layout]").forEach((button) => {
    button.addEventListener("click", () => {
      fmnist.link.set("layout", button.dataset.layout);
      if (points) choose(button.dataset.layout);
    });
  });
  element.querySelectorAll("[data-colour]").forEach((button) => {
    button.addEventListener("click", () => {
      fmnist.link.set("colour", button.dataset.colour);
      colourBy(button.dataset.colour);
    });
  });
  find("[data-zoom=in]").addEventListener("click", () => zoomBy(1.5));
  find("[data-zoom=out]").addEventListener("click", () => zoomBy(1 / 1.5));
  find("[data-zoom=reset]").addEventListener("click", wholeMap);
  find("[data-zoom=out]").disabled = find("[data-zoom=reset]").disabled = true;
  more.addEventListener("click", () => {
    if (shownAre === whole) show(shipped);
    else if (whole) show(whole);
    else loadOthers();
  });
  find(".seek").addEventListener("submit", (event) => {
    event.preventDefault();
    const number = Number(find("input").value);
    const index = points && inCells ? samples.numbers.indexOf(number) : -1;
    if (index < 0) {
      const isElsewhere = others && shownAre === shipped ? "Show all to find it." : "";
      find(".said").textContent = `Test image ${number} is not on the map. ${isElsewhere}`;
      return;
    }
    setView({ zoom: Math.max(view.zoom, 5), x: places[2 * index], y: places[2 * index + 1] });
    light(index);
    find(".said").textContent = `${inWords(index)}.`;
  });
  facts.classes.forEach((name, label) => {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-pressed", "false");
    button.append(markCanvas(label, false), name);
    button.addEventListener("click", () => isolate(label));
    item.append(button);
    find(".legend").append(item);
  });

  // --- the current picture -------------------------------------------------------------------------------------------

  const nearestCard = ({ index, distance }) => {
    const item = document.createElement("li");
    const [name, far] = [document.createElement("span"), document.createElement("span")];
    const button = samples.button(index, 56);
    name.textContent = samples.name(index);
    far.textContent = distance < 10 ? distance.toFixed(1) : distance.toFixed(0);
    far.className = "distance";
    for (const event of ["pointerenter", "focus"]) button.addEventListener(event, () => inCells && light(index));
    for (const event of ["pointerleave", "blur"]) button.addEventListener(event, () => light(-1));
    item.append(button, name, far);
    return item;
  };

  fmnist.on("answer", (answer) => {
    const isAnother = answer.kind === "sample" || answer.kind !== you?.kind;
    you = answer.spots ? answer : null;
    if (!you || isAnother) trail = [];
    find(".row").replaceChildren(...(you?.nearest ?? []).map(nearestCard));
    const place = points && !start && yourPlace();
    if (place) trail = [...trail, place].slice(-TRAIL);
    repaintOver();
  });
  fmnist.on("network", load);
  fmnist.on("marked", (indices) => {
    marked = indices;
    repaintOver();
  });
  fmnist.on("theme", () => {
    readLook();
    repaint();
  });
  new ResizeObserver(() => {
    [width, height] = [plane.clientWidth, plane.clientHeight];
    repaint();
  }).observe(plane);
  fmnist.whenVisible(element, (isVisible) => fmnist.want("spots", isVisible || null));

  const asked = [fmnist.link.get("layout"), fmnist.link.get("colour")];
  if (Object.hasOwn(LAYOUTS, asked[0])) layout = asked[0];
  readLook();
  colourBy(Object.hasOwn(COLOURS, asked[1]) ? asked[1] : "true");
  load();
};
