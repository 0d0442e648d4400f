// The map: the test samples by their embedding, and the current picture among them.

fmnist.mountMap = (element, server) => {
  const { samples, facts } = fmnist;
  const find = (selector) => element.querySelector(selector);
  const holder = element.closest("#map");
  const plane = find(".plane");
  const canvas = find(".plane > canvas");
  const tip = find(".tip");
  const MARGIN = 18; // CSS pixels between the outermost points and the frame
  const REACH = 12; // CSS pixels from the pointer to the point it is about
  const NOTES = {
    pca: "Seen from the two directions in which the images differ most (principal components). Your place is exact.",
    tsne: "Arranged so that neighbours stay neighbours; distances between far groups mean nothing. Your place is an estimate from the five nearest images.",
  };

  let layout = "pca";
  let points = null; // {pca, tsne, answers}: places as 0..65535, x and y in turns
  let you = null; // {spots, nearest} of the current picture
  let marked = []; // samples with a ring around them
  let base = null; // the points, drawn once, under all that moves
  let [width, height] = [0, 0];

  const toPage = ([x, y]) => [MARGIN + x * (width - 2 * MARGIN), height - MARGIN - y * (height - 2 * MARGIN)];
  const spotOf = (index) => {
    const spots = points[layout];
    return toPage([spots[2 * index] / 65535, spots[2 * index + 1] / 65535]);
  };

  const drawBase = () => {
    if (!points?.[layout] || !width) return;
    base = document.createElement("canvas");
    const context = fmnist.fitCanvas(base, width, height);
    const radius = width < 500 ? 2.2 : 3;
    context.globalAlpha = 0.75;
    for (let i = 0; i < samples.count; i++) {
      const [x, y] = spotOf(i);
      context.fillStyle = facts.colours[samples.labels[i]];
      context.beginPath();
      context.arc(x, y, radius, 0, 2 * Math.PI);
      context.fill();
    }
    holder.dataset.points = String(samples.count);
    holder.dataset.layout = layout;
    draw();
  };

  const draw = () => {
    if (!base) return;
    const context = fmnist.fitCanvas(canvas, width, height);
    context.drawImage(base, 0, 0, width, height);
    context.strokeStyle = fmnist.colour("--body-text-color");
    context.lineWidth = 1.5;
    for (const index of marked) {
      context.beginPath();
      context.arc(...spotOf(index), 5, 0, 2 * Math.PI);
      context.stroke();
    }
    const spot = you?.spots[layout];
    if (!spot) {
      delete holder.dataset.you;
      return;
    }
    const ink = fmnist.colour("--body-text-color");
    const clamp = (value) => Math.max(-0.015, Math.min(1.015, value)); // outside the map: at its edge
    const [x, y] = toPage(spot.map(clamp));
    context.strokeStyle = ink;
    context.globalAlpha = 0.5;
    context.lineWidth = 1;
    for (const { index } of you.nearest) {
      context.beginPath();
      context.moveTo(x, y);
      context.lineTo(...spotOf(index));
      context.stroke();
    }
    context.globalAlpha = 1;
    context.fillStyle = fmnist.colour("--background-fill-primary");
    context.lineWidth = 3.5;
    context.beginPath();
    context.arc(x, y, 8, 0, 2 * Math.PI);
    context.fill();
    context.stroke();
    holder.dataset.you = `${Math.round(x)},${Math.round(y)}`;
  };

  const load = async () => {
    const reply = await fmnist.call(server.points, {});
    find(".problem").textContent = reply.error ?? "";
    find(".problem").hidden = !reply.error;
    if (reply.error) return;
    points = {
      pca: fmnist.words16(reply.pca),
      tsne: reply.tsne && fmnist.words16(reply.tsne),
      answers: fmnist.bytes(reply.answers),
    };
    fmnist.emit("points", points);
    find("[data-layout=tsne]").disabled = !points.tsne;
    choose(points[layout] ? layout : "pca");
  };

  const choose = (name) => {
    layout = name;
    element.querySelectorAll("[data-layout]").forEach((button) => {
      button.setAttribute("aria-pressed", String(button.dataset.layout === name));
    });
    find(".note").textContent = NOTES[name] + (points?.tsne ? "" : " t-SNE is not ready for this network.");
    tip.hidden = true;
    drawBase();
  };

  const nearestTo = (x, y) => {
    let [best, shortest] = [-1, REACH ** 2];
    for (let i = 0; i < samples.count; i++) {
      const [left, top] = spotOf(i);
      const distance = (left - x) ** 2 + (top - y) ** 2;
      if (distance < shortest) [best, shortest] = [i, distance];
    }
    return best;
  };

  const under = (event) => {
    const box = canvas.getBoundingClientRect();
    return points?.[layout] ? nearestTo(event.clientX - box.left, event.clientY - box.top) : -1;
  };

  canvas.addEventListener("pointermove", (event) => {
    const index = under(event);
    canvas.style.cursor = index < 0 ? "default" : "pointer";
    tip.hidden = index < 0;
    if (index < 0) return;
    samples.draw(fmnist.fitCanvas(tip.querySelector("canvas"), 84, 84), index, 0, 0, 84);
    const answer = facts.classes[points.answers[index]];
    const isRight = points.answers[index] === samples.labels[index];
    tip.querySelector("span").textContent = samples.title(index) + (isRight ? "" : ` – taken for ${answer}`);
    const [x, y] = spotOf(index);
    tip.style.left = `${Math.max(0, Math.min(width - 150, x + 14))}px`;
    tip.style.top = `${y > height / 2 ? y - 150 : y + 14}px`;
  });
  canvas.addEventListener("pointerleave", () => (tip.hidden = true));
  canvas.addEventListener("click", (event) => {
    const index = under(event);
    if (index >= 0) fmnist.emit("sample", index);
  });

  element.querySelectorAll("[data-layout]").forEach((button) => {
    button.addEventListener("click", () => choose(button.dataset.layout));
  });
  facts.classes.forEach((name, label) => {
    const item = document.createElement("li");
    const dot = document.createElement("i");
    dot.style.background = facts.colours[label];
    item.append(dot, name);
    find(".legend").append(item);
  });

  fmnist.on("answer", (answer) => {
    you = answer.spots ? answer : null;
    find(".alike .row").replaceChildren(...(you?.nearest ?? []).map(({ index }) => samples.button(index, 56)));
    draw();
  });
  fmnist.on("network", load);
  fmnist.on("marked", (indices) => {
    marked = indices;
    draw();
  });
  fmnist.on("theme", draw);
  new ResizeObserver(() => {
    [width, height] = [plane.clientWidth, plane.clientHeight];
    if (width) drawBase();
  }).observe(plane);
  fmnist.whenVisible(element, (isVisible) => fmnist.want("spots", isVisible || null));
  load();
};
