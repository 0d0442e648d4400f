// The layers of the network that answers, and what the chosen one makes of the current picture. Only an open view asks
// the server for it, and only for that layer.

fmnist.mountMaps = (element) => {
  const holder = element.closest("#maps");
  const find = (selector) => element.querySelector(selector);
  const list = find(".layers");
  const tiles = find(".tiles");
  const scale = find(".scale canvas");
  let layers = []; // {name, kind, words, shape} of the network that answers
  let open = null; // {name, shape, top, values} of the chosen layer; null while the pad is empty
  let chosen = fmnist.facts.layers[0].name;
  let isVisible = false;

  const TILES = [[20, 168], [10, 120], [6, 88], [0, 64]]; // side of a map: in its own pixels, from .. -> at most on the page
  const SQUARES = [[41, 20], [0, 44]]; // values of a vector, from .. -> side of each on the page
  const GAP = 6;

  const ask = () => fmnist.want("maps", isVisible ? chosen : null);
  const choose = (name) => {
    chosen = name;
    mark();
    ask();
  };
  const mark = () => {
    list.querySelectorAll("button").forEach((button) => {
      button.setAttribute("aria-current", String(button.dataset.layer === chosen));
    });
  };

  const build = () => {
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
        button.addEventListener("click", () => choose(name));
        item.append(button);
        return item;
      }),
    );
    mark();
  };

  // The maps of one layer, side by side; a vector is shown as rows of squares.
  const paintTiles = ({ shape, values }, colours) => {
    const [channels, height, width] = shape.length === 3 ? shape : [1, 1, shape[0]];
    const isVector = shape.length === 1;
    const levels = fmnist.bytes(values);
    const room = tiles.parentElement.clientWidth;
    const gap = isVector ? 1 : GAP;
    const count = isVector ? width : channels;
    const largest = (isVector ? SQUARES : TILES).find(([from]) => (isVector ? count : height) >= from)[1];
    // All in one row if that makes them not much smaller.
    const tile = Math.min(largest, Math.max(Math.round(0.6 * largest), Math.floor((room + gap) / count) - gap));
    const columns = Math.max(1, Math.min(count, Math.floor((room + gap) / (tile + gap))));
    const lines = Math.ceil(count / columns);
    const context = fmnist.fitCanvas(tiles, columns * (tile + gap) - gap, lines * (tile + gap) - gap);
    const image = new ImageData(width, height);
    const buffer = document.createElement("canvas");
    [buffer.width, buffer.height] = [width, height];
    const bufferContext = buffer.getContext("2d");
    context.imageSmoothingEnabled = false;
    for (let c = 0; c < channels; c++) {
      for (let i = 0; i < width * height; i++) image.data.set([...colours[levels[c * width * height + i]], 255], 4 * i);
      bufferContext.putImageData(image, 0, 0);
      for (let i = 0; i < (isVector ? width : 1); i++) {
        const place = isVector ? i : c;
        const [x, y] = [(place % columns) * (tile + gap), Math.floor(place / columns) * (tile + gap)];
        if (isVector) context.drawImage(buffer, i, 0, 1, 1, x, y, tile, tile);
        else context.drawImage(buffer, x, y, tile, tile);
      }
    }
  };

  const paint = () => {
    if (!open || !tiles.parentElement.clientWidth) return;
    const { kind, words } = layers.find(({ name }) => name === open.name);
    const colours = fmnist.signedColours();
    find(".title").textContent = open.name;
    find(".what").textContent = `${kind}, ${open.shape.join(" × ")}`;
    find(".words").textContent = words;
    tiles.setAttribute("aria-label", `Output of ${open.name} for the current picture`);
    find(".low").textContent = `−${open.top.toPrecision(3)}`;
    find(".high").textContent = open.top.toPrecision(3);
    paintTiles(open, colours);
    const context = scale.getContext("2d");
    [scale.width, scale.height] = [256, 1];
    colours.forEach((colour, i) => {
      context.fillStyle = `rgb(${colour.join()})`;
      context.fillRect(i, 0, 1, 1);
    });
    holder.dataset.open = open.name;
  };

  fmnist.on("answer", (answer) => {
    if (answer.empty) {
      open = null;
      // Blank, but as large as before: nothing below may jump while one draws.
      tiles.getContext("2d").clearRect(0, 0, tiles.width, tiles.height);
      holder.dataset.open = "";
    } else if (answer.maps) {
      const isOther = answer.maps.layers.map(({ name }) => name).join() !== layers.map(({ name }) => name).join();
      ({ layers, open } = answer.maps);
      if (isOther) build();
      // Another network may have no such layer: its first one came instead.
      if (!layers.some(({ name }) => name === chosen)) choose(open.name);
      paint();
    }
  });
  fmnist.on("theme", paint);
  new ResizeObserver(paint).observe(tiles.parentElement);
  fmnist.whenVisible(element, (visible) => {
    isVisible = visible;
    ask();
  });
};
