// The output of every layer for the current picture. Only an open view asks the server for it.

fmnist.mountMaps = (element) => {
  const list = element.querySelector(".layers");
  const scale = element.querySelector(".scale canvas");
  let layers = null; // of the last answer that held them
  let rows = new Map(); // layer name -> {canvas, end}

  const TILES = [[20, 168], [10, 120], [6, 88], [0, 64]]; // side of a map: in its own pixels, from .. -> at most on the page
  const SQUARES = [[21, 20], [0, 44]]; // values of a vector, from .. -> side of each on the page
  const GAP = 6;

  const build = () => {
    rows = new Map();
    list.replaceChildren(
      ...layers.map(({ name, kind, words, shape }) => {
        const row = document.createElement("section");
        const title = document.createElement("h4");
        const detail = document.createElement("p");
        const canvas = document.createElement("canvas");
        const end = document.createElement("span");
        title.textContent = name;
        detail.textContent = `${kind}, ${shape.join(" × ")}. ${words}`;
        end.className = "end";
        title.append(end);
        canvas.setAttribute("role", "img");
        canvas.setAttribute("aria-label", `Output of ${name} for the current picture`);
        row.append(title, detail, canvas);
        rows.set(name, { canvas, end });
        return row;
      }),
    );
  };

  // The maps of one layer, side by side; a vector is shown as rows of squares.
  const paintLayer = ({ name, shape, top, values }, colours) => {
    const { canvas, end } = rows.get(name);
    const [channels, height, width] = shape.length === 3 ? shape : [1, 1, shape[0]];
    const isVector = shape.length === 1;
    const levels = fmnist.bytes(values);
    const room = list.clientWidth;
    const gap = isVector ? 1 : GAP;
    const count = isVector ? width : channels;
    const largest = (isVector ? SQUARES : TILES).find(([from]) => (isVector ? count : height) >= from)[1];
    // All in one row if that makes them not much smaller.
    const tile = Math.min(largest, Math.max(Math.round(0.6 * largest), Math.floor((room + gap) / count) - gap));
    const columns = Math.max(1, Math.min(count, Math.floor((room + gap) / (tile + gap))));
    const lines = Math.ceil(count / columns);
    const context = fmnist.fitCanvas(canvas, columns * (tile + gap) - gap, lines * (tile + gap) - gap);
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
    end.textContent = `scale ±${top.toPrecision(3)}`;
  };

  const paint = () => {
    if (!layers || !list.clientWidth) return;
    if (layers.length !== rows.size || layers.some(({ name }) => !rows.has(name))) build();
    const colours = fmnist.signedColours();
    layers.forEach((layer) => paintLayer(layer, colours));
    const context = scale.getContext("2d");
    [scale.width, scale.height] = [256, 1];
    colours.forEach((colour, i) => {
      context.fillStyle = `rgb(${colour.join()})`;
      context.fillRect(i, 0, 1, 1);
    });
    element.closest("#maps").dataset.layers = String(layers.length);
  };

  fmnist.on("answer", (answer) => {
    if (answer.empty) {
      layers = null;
      // Blank, but as large as before: nothing below may jump while one draws.
      rows.forEach(({ canvas }) => canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height));
      element.closest("#maps").dataset.layers = "0";
    } else if (answer.maps) {
      layers = answer.maps;
      paint();
    }
  });
  fmnist.on("theme", paint);
  new ResizeObserver(paint).observe(list);
  fmnist.whenVisible(element, (isVisible) => fmnist.want("maps", isVisible));
};
