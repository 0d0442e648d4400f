// The map: the test images, placed by what the network makes of them or by their bare pixels, and the current picture
// among them. Two canvases lie on each other: one with the marks of the images, painted when the view changes, and one
// with all that comes and goes. Each of the other files makes one part of it; here they are put together.
//
// A place is x and y as parts of the box around all images shown, y upwards; lists of places hold x and y in turns.

fmnist.mountMap = (element, server) => {
  const { samples } = fmnist;
  const find = (selector) => element.querySelector(selector);
  const holder = element.closest("#map");
  const plane = find(".plane");
  let points = null; // {answers, pca, pixels, tsne} of the images shown, a layout that is not ready being null
  let marked = []; // images that another view is about
  let look = {}; // colours of the page

  // --- painting ------------------------------------------------------------------------------------------------------

  const paintOver = () => {
    const you = picture.place();
    over.paint(
      {
        you,
        alike: picture.alike.map(places.of),
        trail: picture.trail,
        marked: marked.filter((index) => index < places.count).map(places.of),
        lit: lit.index >= 0 ? places.of(lit.index) : null,
      },
      look,
    );
    if (lit.index >= 0) lit.placeTip();
    if (you) holder.dataset.you = view.toPage(you).map(Math.round).join();
    else delete holder.dataset.you;
    holder.dataset.trail = String(picture.trail.length);
  };

  let due = 0; // the frame in which all is painted anew
  const repaint = () => {
    due ||= requestAnimationFrame(() => {
      due = 0;
      if (!places.count || !view.width) return;
      marks.paint(places.list, look);
      paintOver();
      holder.dataset.zoom = view.zoom.toFixed(2);
    });
  };
  const repaintOver = () => {
    if (places.count && view.width && !due) paintOver();
  };

  const readLook = () => {
    look = {
      isDark: fmnist.isDark(),
      ink: fmnist.colour("--body-text-color"),
      ground: fmnist.colour("--background-fill-primary"),
      accent: fmnist.colour("--color-accent"),
      subdued: fmnist.colour("--body-text-color-subdued"),
    };
  };

  // --- what is shown -------------------------------------------------------------------------------------------------

  const showZoom = () => {
    plane.classList.toggle("zoomed", !view.isWhole);
    // Not disabled: a button that is takes the focus with it.
    const [inwards, out, all] = ["in", "out", "reset"].map((name) => find(`[data-zoom=${name}]`));
    inwards.ariaDisabled = String(view.isClosest);
    out.ariaDisabled = all.ariaDisabled = String(view.isWhole);
  };

  const restyle = () => {
    if (!points) return;
    choices.style(points);
    choices.describe(points);
    lit.endWalk();
    lit.light(-1);
    repaint();
  };

  const goToLayout = (name) => {
    if (!points) return;
    choices.setLayout(points[name] ? name : "pca");
    choices.describe(points);
    picture.depart(choices.layout);
    lit.endWalk();
    lit.light(-1);
    holder.dataset.moving = "true";
    const isSudden = !view.width || fmnist.isCalm();
    places.travel(points[choices.layout], isSudden, (part, isThere) => {
      picture.travelled(part, isThere);
      if (isThere) holder.dataset.moving = "false";
      repaint();
    });
  };

  const show = (loaded) => {
    points = loaded;
    find("[data-layout=tsne]").disabled = !points.tsne;
    holder.dataset.points = String(samples.count);
    restyle();
    goToLayout(choices.wanted);
    fmnist.emit("points", points);
  };

  // --- its parts -----------------------------------------------------------------------------------------------------

  const view = fmnist.makeMapView(() => {
    showZoom();
    lit.endWalk();
    repaint();
  });
  const places = fmnist.makeMapPlaces();
  const marks = fmnist.makeMapMarks(find(".dots"), view);
  const over = fmnist.makeMapOver(find(".over"), view);
  const answerOf = (index) => points.answers[index];
  const lit = fmnist.makeMapLit(element, { marks, places, view, answerOf, changed: repaintOver });
  const loader = fmnist.makeMapPoints(element, server, show);
  const picture = fmnist.makeMapPicture(find(".row"), loader.framed, lit.light);
  const choices = fmnist.makeMapChoices(element, { marks, layoutAsked: goToLayout, styleChanged: restyle });
  fmnist.hearMapGestures(element, { marks, places, view, lit });

  find("[data-zoom=in]").addEventListener("click", () => view.zoomBy(1.5));
  find("[data-zoom=out]").addEventListener("click", () => view.zoomBy(1 / 1.5));
  find("[data-zoom=reset]").addEventListener("click", view.showAll);
  find(".seek").addEventListener("submit", (event) => {
    event.preventDefault();
    const number = Number(find("input").value);
    const index = places.isAtRest ? samples.numbers.indexOf(number) : -1;
    if (index < 0) {
      const isElsewhere = loader.hasMore ? "Show all to find it." : "";
      find(".said").textContent = `Test image ${number} is not on the map. ${isElsewhere}`;
      return;
    }
    view.goTo(places.of(index), Math.max(view.zoom, 5));
    lit.light(index);
    find(".said").textContent = `${lit.inWords()}.`;
  });

  fmnist.on("answer", (answer) => {
    picture.take(answer);
    repaintOver();
  });
  fmnist.on("network", loader.load);
  fmnist.on("mapped", async () => {
    await loader.load();
    fmnist.emit("wants"); // the visitor's place on the new map
  });
  fmnist.on("marked", (indices) => {
    marked = indices;
    repaintOver();
  });
  fmnist.on("theme", () => {
    readLook();
    choices.repaintLegend();
    repaint();
  });
  new ResizeObserver(() => {
    view.resize(plane.clientWidth, plane.clientHeight);
    repaint();
  }).observe(plane);
  fmnist.whenVisible(element, (isVisible) => {
    fmnist.want("spots", isVisible || null);
    if (isVisible && loader.hasFailed) loader.load();
  });

  readLook();
  showZoom();
  loader.load();
};
