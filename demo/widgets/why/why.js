// Why this answer: which places of the current picture speak for a class. It takes the server longer than an answer, so it
// is asked for apart, when the hand rests.

fmnist.mountWhy = (element, server) => {
  const holder = element.closest("#why");
  const find = (selector) => element.querySelector(selector);
  const select = find("select");
  const SIDE = 280; // CSS pixels of each picture: ten for each of the network's
  const REST = 120; // milliseconds without a new answer
  const DIM = 0.55; // brightness of the picture under the colours
  const [AGAINST, FOR] = [[90, 170, 255], [255, 160, 60]]; // blue and orange on the black ground of both themes
  let current = null; // the latest answer, unless the pad is empty
  let reasons = null; // {label, grad_cam, occlusion} as they are painted, and the answer and the label they were asked for
  let isVisible = false;

  for (const [label, name] of fmnist.facts.classes.entries()) {
    select.append(new Option(name, String(label)));
  }

  // The picture, grey and dim, under the colours of values -1..1.
  const paintOver = (canvas, pixels, values) => {
    const image = new ImageData(28, 28);
    for (let i = 0; i < 784; i++) {
      const strength = Math.min(1, Math.abs(values[i]));
      const parts = (values[i] < 0 ? AGAINST : FOR).map((part) => (1 - 0.8 * strength) * DIM * pixels[i] + 0.8 * strength * part);
      image.data.set([...parts, 255], 4 * i);
    }
    const small = document.createElement("canvas");
    small.width = small.height = 28;
    small.getContext("2d").putImageData(image, 0, 0);
    const context = fmnist.fitCanvas(canvas, SIDE, SIDE);
    context.imageSmoothingEnabled = false;
    context.drawImage(small, 0, 0, SIDE, SIDE);
  };

  const points = (part) => `${Math.round(100 * Math.abs(part))} point${Math.round(100 * Math.abs(part)) === 1 ? "" : "s"}`;

  const paint = () => {
    const name = reasons ? fmnist.unbroken(fmnist.facts.classes[reasons.label]) : "";
    if (!reasons) {
      for (const canvas of [find(".grad-cam"), find(".occlusion")]) paintOver(canvas, new Uint8Array(784), new Float32Array(784));
      find(".looks").textContent = find(".needs").textContent = "\u00a0";
      for (const canvas of element.querySelectorAll("canvas")) canvas.setAttribute("aria-label", "No picture");
      holder.dataset.label = "";
      return;
    }
    const pixels = fmnist.bytes(reasons.answer.pixels);
    const heat = Array.from(fmnist.bytes(reasons.grad_cam), (level) => level / 255);
    paintOver(find(".grad-cam"), pixels, heat);
    find(".looks").textContent = heat.some((value) => value > 0)
      ? `Orange: here the last maps speak for ${name}.` : `Nothing in the last maps speaks for ${name}.`;
    const cost = hiding();
    const [most, least] = [Math.max(...cost), Math.min(...cost)];
    paintOver(find(".occlusion"), pixels, cost.map((value) => value / Math.max(0.02, most, -least)));
    const changes = [
      most >= 0.01 && `Orange: hidden here, ${name} loses up to ${points(most)}.`,
      least <= -0.01 && `Blue: hidden here, ${name} gains up to ${points(least)}.`,
    ].filter(Boolean);
    find(".needs").textContent = changes.join(" ") || `Hiding any one part changes ${name} by less than a point.`;
    find(".grad-cam").setAttribute("aria-label", find(".looks").textContent);
    find(".occlusion").setAttribute("aria-label", find(".needs").textContent);
    holder.dataset.label = String(reasons.label);
  };

  // Probability that each place costs the class when it is hidden.
  const hiding = () => {
    const { tops: [top], values } = reasons.occlusion;
    return Array.from(fmnist.bytes(values), (level) => ((level - 128) / 127) * top);
  };

  const canvas = find(".occlusion");
  canvas.addEventListener("pointermove", (event) => {
    if (!reasons) return;
    const [x, y] = [event.offsetX, event.offsetY].map((place) => Math.max(0, Math.min(27, Math.floor((28 * place) / SIDE))));
    const value = hiding()[28 * y + x];
    const name = fmnist.unbroken(fmnist.facts.classes[reasons.label]);
    find(".needs").textContent = Math.abs(value) < 0.005 ? `Hidden here, ${name} stays as probable.`
      : `Hidden here, ${name} ${value > 0 ? "loses" : "gains"} ${points(value)}.`;
  });
  canvas.addEventListener("pointerleave", paint);

  // --- asking: one question at a time, about the latest picture ------------------------------------------------

  let asking = false;
  let timer;
  const rest = () => {
    clearTimeout(timer);
    timer = setTimeout(ask, REST);
  };
  const ask = async () => {
    const [answer, label] = [current, select.value];
    if (asking || !isVisible || !answer || (reasons?.answer === answer && reasons.asked === label)) return;
    asking = true;
    const reply = await fmnist.call(server.reasons, { pixels: answer.pixels, label: label ? Number(label) : null });
    asking = false;
    fmnist.showProblem(element, reply.error);
    if (label !== select.value) return ask();
    if (answer !== current) return rest();
    reasons = reply.error ? null : { ...reply, answer, asked: label };
    paint();
  };

  const hear = (answer) => {
    clearTimeout(timer);
    current = answer.empty ? null : answer;
    if (current) {
      rest();
    } else {
      reasons = null;
      paint();
    }
  };
  fmnist.on("answer", hear);
  select.addEventListener("change", ask);
  fmnist.whenVisible(element, (visible) => {
    isVisible = visible;
    ask();
  });
  paint();
  hear(fmnist.latest("answer") ?? { empty: "nothing yet" });
};
