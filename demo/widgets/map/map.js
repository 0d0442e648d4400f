// The map: the test images, placed by what the network makes of them or by their bare pixels, and the current picture
// among them. Two canvases lie on each other: one with the marks of the images, painted when the view changes, and one
// with all that comes and goes. Each of the other files makes one part of it; here they are put together.
//
// A place is x and y as fractions of the box around all images shown, y upwards; lists of places hold x and y in turns.

/** @import { Layout, Points, Servers } from "../types.d.ts" */

import { want } from "../shared/api.js";
import { emit, latest, on } from "../shared/bus.js";
import { around, finder, isCalm, whenVisible } from "../shared/dom.js";
import * as samples from "../shared/samples.js";
import { isDark, themeColour } from "../shared/theme.js";
import { hearGestures } from "./gestures.js";
import { makeChoices } from "./choices.js";
import { makeHighlight } from "./highlight.js";
import { makeMarks } from "./marks.js";
import { makeRings } from "./rings.js";
import { makePicture } from "./picture.js";
import { makePlaces } from "./places.js";
import { makePoints } from "./points.js";
import { makeView } from "./view.js";

/**
 * @param {HTMLElement} element
 * @param {Servers["map"]} server
 */
export const mount = (element, server) => {
  const find = finder(element);
  const holder = around(element, "#map");
  const plane = find(".plane");
  /** @type {Points | null} */
  let points = null; // of the images shown
  /** @type {number[]} */
  let marked = latest("marked") ?? []; // images that another view is about
  const readLook = () => ({
    isDark: isDark(),
    ink: themeColour("--body-text-color"),
    background: themeColour("--background-fill-primary"),
    accent: themeColour("--color-accent"),
    subdued: themeColour("--body-text-color-subdued"),
  });
  let look = readLook();

  // --- painting ------------------------------------------------------------------------------------------------------

  const paintOver = () => {
    const you = picture.place();
    rings.paint(
      {
        you,
        alike: picture.alike.map(places.of),
        trail: picture.trail,
        marked: marked.filter((index) => index < places.count).map(places.of),
        highlight: highlight.index >= 0 ? places.of(highlight.index) : null,
      },
      look,
    );
    if (highlight.index >= 0) highlight.placeTip();
    if (you) holder.dataset.you = view.toPage(you).map(Math.round).join();
    else delete holder.dataset.you;
    holder.dataset.trail = String(picture.trail.length);
    holder.dataset.marked = String(marked.length);
  };

  let due = 0; // the frame in which everything is painted again
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
    highlight.endWalk();
    highlight.light(-1);
    repaint();
  };

  /** @param {Layout} name */
  const goToLayout = (name) => {
    if (!points?.pca) return;
    choices.setLayout(points[name] ? name : "pca");
    choices.describe(points);
    picture.depart(choices.layout);
    highlight.endWalk();
    highlight.light(-1);
    holder.dataset.moving = "true";
    const isSudden = !view.width || isCalm();
    places.travel(points[choices.layout] ?? points.pca, isSudden, (fraction, isThere) => {
      picture.travelled(fraction, isThere);
      if (isThere) holder.dataset.moving = "false";
      repaint();
    });
  };

  /** @param {Points} loaded */
  const show = (loaded) => {
    points = loaded;
    find("[data-layout=tsne]", HTMLButtonElement).disabled = !points.tsne;
    holder.dataset.points = String(samples.count());
    restyle();
    goToLayout(choices.wanted);
    emit("points", points);
  };

  // --- its parts -----------------------------------------------------------------------------------------------------

  const view = makeView(() => {
    showZoom();
    highlight.endWalk();
    repaint();
  });
  const places = makePlaces();
  const marks = makeMarks(find(".dots", HTMLCanvasElement), view);
  const rings = makeRings(find(".over", HTMLCanvasElement), view);
  /** @param {number} index */
  const predictionOf = (index) => points?.predictions[index] ?? 0;
  const highlight = makeHighlight(element, { marks, places, view, predictionOf, changed: repaintOver });
  const loader = makePoints(element, server, show);
  const picture = makePicture(find(".row"), loader.framed, highlight.light);
  const choices = makeChoices(element, { marks, layoutAsked: goToLayout, styleChanged: restyle });
  hearGestures(element, { marks, places, view, highlight });

  find("[data-zoom=in]").addEventListener("click", () => view.zoomBy(1.5));
  find("[data-zoom=out]").addEventListener("click", () => view.zoomBy(1 / 1.5));
  find("[data-zoom=reset]").addEventListener("click", view.showAll);
  find(".seek").addEventListener("submit", (event) => {
    event.preventDefault();
    const number = Number(find("input", HTMLInputElement).value);
    const index = places.isAtRest ? samples.numbers.indexOf(number) : -1;
    if (index < 0) {
      const isElsewhere = loader.hasMore ? "Show all to find it." : "";
      find(".said").textContent = `Test image ${number} is not on the map. ${isElsewhere}`;
      return;
    }
    view.goTo(places.of(index), Math.max(view.zoom, 5));
    highlight.light(index);
    find(".said").textContent = `${highlight.inWords()}.`;
  });

  on("answer", (answer) => {
    picture.take(answer);
    repaintOver();
  });
  on("network", loader.load);
  on("mapped", async () => {
    await loader.load();
    emit("wants"); // the visitor's place on the new map
  });
  on("marked", (indices) => {
    marked = indices;
    repaintOver();
  });
  on("theme", () => {
    look = readLook();
    choices.repaintLegend();
    repaint();
  });
  new ResizeObserver(() => {
    view.resize(plane.clientWidth, plane.clientHeight);
    repaint();
  }).observe(plane);
  whenVisible(element, (isVisible) => {
    want("coordinates", isVisible || null);
    if (isVisible && loader.hasFailed) loader.load();
  });

  showZoom();
  loader.load();
};
