// The 28x28 pixels that the network sees of the current picture, and what it was taken for: the visitor may know better.

fmnist.mountSeen = (element) => {
  const canvas = element.querySelector(".pixels");
  const context = canvas.getContext("2d");
  const select = element.querySelector("select");
  const again = element.querySelector("button");
  const how = element.querySelector(".how");
  canvas.width = canvas.height = 28;
  for (const [kind, words] of Object.entries(fmnist.facts.kinds)) {
    select.append(new Option(words.split(":")[0], kind));
  }
  const paint = ({ pixels, kind, overruled }) => {
    select.value = kind ?? "";
    select.disabled = !kind || kind === "sample" && !overruled;
    again.hidden = !overruled;
    const steps = kind ? fmnist.facts.kinds[kind].split(": ")[1] : "";
    how.textContent = steps && `${steps[0].toUpperCase()}${steps.slice(1)}.`;
    context.fillRect(0, 0, 28, 28);
    if (pixels) context.drawImage(fmnist.greyImage(fmnist.bytes(pixels)), 0, 0);
  };
  // --- step by step: while one draws, the server works it out only when this is open ---------------------------

  const STEP_SIDE = 128; // of each small picture
  const details = element.querySelector("details");
  const said = element.querySelector(".said");
  const [found, cropped, without] = ["found", "cropped", "without"].map((name) => {
    const step = element.querySelector(`canvas.${name}`);
    step.width = step.height = STEP_SIDE;
    return step.getContext("2d");
  });
  let painted = 0; // of the latest answer: a picture that is decoded late is not painted over a newer one

  // The part of an image between the places (0..1) of a box, in the middle of a black square, as large as fits.
  const fit = (context, image, [left, top, right, bottom] = [0, 0, 1, 1]) => {
    const [width, height] = [(right - left) * image.width, (bottom - top) * image.height];
    const scale = STEP_SIDE / Math.max(width, height);
    const [x, y] = [(STEP_SIDE - width * scale) / 2, (STEP_SIDE - height * scale) / 2];
    context.fillStyle = "#000";
    context.fillRect(0, 0, STEP_SIDE, STEP_SIDE);
    context.drawImage(image, left * image.width, top * image.height, width, height, x, y, width * scale, height * scale);
    return { x, y, width: width * scale, height: height * scale };
  };

  const paintSteps = async ({ steps, kind, words, empty }) => {
    const mine = ++painted;
    if (!steps) {
      [found, cropped, without].forEach((context) => context.clearRect(0, 0, STEP_SIDE, STEP_SIDE));
      said.textContent = !empty && kind === "sample" ? "An image of the data set needs no preparation." : "";
      return;
    }
    const image = new Image();
    image.src = `data:image/png;base64,${steps.found}`;
    await image.decode();
    if (mine !== painted) return;
    const [left, top, right, bottom] = steps.box;
    const at = fit(found, image);
    found.strokeStyle = fmnist.colour("--color-accent");
    found.lineWidth = 2;
    found.strokeRect(at.x + left * at.width, at.y + top * at.height, (right - left) * at.width, (bottom - top) * at.height);
    fit(cropped, image, steps.box);
    without.imageSmoothingEnabled = false;
    fit(without, fmnist.greyImage(fmnist.bytes(steps.without.pixels)));
    said.textContent = fmnist.unbroken(steps.without.words === words
      ? `Only made grey and small, it would be the same: “${words}”.`
      : `Only made grey and small, it would be: “${steps.without.words}”.`);
  };
  details.addEventListener("toggle", () => {
    if (details.open) paintSteps(fmnist.latest("answer") ?? {}); // those of an earlier picture may still be there
    fmnist.want("steps", details.open || null);
  });
  fmnist.on("answer", (answer) => details.open && paintSteps(answer));

  select.addEventListener("change", () => fmnist.emit("kind", select.value));
  again.addEventListener("click", () => {
    fmnist.emit("kind", null);
    select.focus(); // the button goes
  });
  paint({});
  fmnist.on("answer", paint);
};
