// What a pointer, two fingers, the wheel and the keys do on the map.

/** @import { Pair } from "../types.d.ts" */
/** @import { Highlight } from "./highlight.js" */
/** @import { Marks } from "./marks.js" */
/** @import { Places } from "./places.js" */
/** @import { View } from "./view.js" */

import { emit } from "../shared/bus.js";
import { finder } from "../shared/dom.js";

const DRAG = 4; // CSS pixels that a pointer moves before a click becomes a drag

/** @type {(element: HTMLElement, parts: { marks: Marks, places: Places, view: View, highlight: Highlight }) => void} */
export const hearGestures = (element, { marks, places, view, highlight }) => {
  const find = finder(element);
  const plane = find(".plane");
  const overlay = find(".over");
  /** @type {Map<number, Pair>} */
  const down = new Map(); // pointers that are pressed, and where they are
  /** @type {Pair} */
  let pressedAt = [0, 0];
  let isDrag = false;

  /** @type {(event: MouseEvent) => Pair} */
  const at = (event) => {
    const box = overlay.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  /** @type {(one: Pair, other: Pair) => number} */
  const between = ([x0, y0], [x1, y1]) => Math.hypot(x1 - x0, y1 - y0);
  /** @type {(one: Pair, other: Pair) => Pair} */
  const middle = ([x0, y0], [x1, y1]) => [(x0 + x1) / 2, (y0 + y1) / 2];
  /** @param {Pair} point */
  const markAt = (point) => places.nearest(view.toPlace(point), view.scale(), marks.isFaded);

  overlay.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    down.set(event.pointerId, at(event));
    overlay.setPointerCapture(event.pointerId);
    isDrag = down.size > 1;
    if (!isDrag) pressedAt = at(event);
  });
  overlay.addEventListener("pointermove", (event) => {
    const point = at(event);
    const last = down.get(event.pointerId);
    if (!last) {
      const index = markAt(point);
      plane.classList.toggle("onto", index >= 0);
      return highlight.light(index);
    }
    const [one, other] = [...down.values()];
    down.set(event.pointerId, point);
    if (down.size === 2) {
      const [newOne, newOther] = [...down.values()];
      const [from, to] = [middle(one, other), middle(newOne, newOther)];
      view.zoomBy(between(newOne, newOther) / Math.max(1, between(one, other)), from);
      view.moveBy(to[0] - from[0], to[1] - from[1]);
    } else if (isDrag || between(pressedAt, point) > DRAG) {
      const from = isDrag ? last : pressedAt;
      isDrag = true;
      plane.classList.add("dragged");
      highlight.light(-1);
      view.moveBy(point[0] - from[0], point[1] - from[1]);
    }
  });
  for (const name of /** @type {const} */ (["pointerup", "pointercancel"])) {
    overlay.addEventListener(name, (event) => {
      down.delete(event.pointerId);
      plane.classList.remove("dragged");
    });
  }
  overlay.addEventListener("pointerleave", (event) => {
    if (event.pointerType === "mouse" && !down.size) highlight.light(-1);
  });
  // One finger scrolls the page, unless the map is zoomed; two are for the map alone.
  /** @param {TouchEvent} event */
  const keepTwo = (event) => {
    if (event.touches.length > 1) event.preventDefault();
  };
  overlay.addEventListener("touchstart", keepTwo, { passive: false });
  overlay.addEventListener("touchmove", keepTwo, { passive: false });
  overlay.addEventListener("click", (event) => {
    if (isDrag || event.detail > 1) return;
    const index = markAt(at(event));
    highlight.light(index);
    if (index >= 0) emit("sample", index);
  });
  overlay.addEventListener("dblclick", (event) => {
    if (markAt(at(event)) < 0) view.zoomBy(2, at(event)); // else it was taken
  });
  overlay.addEventListener(
    "wheel",
    (event) => {
      const isMeant = event.ctrlKey || event.metaKey;
      if (!isMeant && document.activeElement !== overlay) return;
      // Of a mouse a turn is about 100 pixels or 3 lines; two fingers on a touchpad give small ones, with Ctrl.
      const turn = event.deltaMode ? 33 * event.deltaY : event.deltaY;
      const changes = view.zoomBy(Math.exp(-turn * (isMeant && Math.abs(turn) < 50 ? 0.01 : 0.002)), at(event));
      if (isMeant || changes) event.preventDefault(); // at its end, the wheel scrolls the page
    },
    { passive: false },
  );

  /**
   * What a key does; false: nothing, and the page may take it.
   * @type {Record<string, (() => boolean | void) | undefined>}
   */
  const KEYS = {
    "+": () => view.zoomBy(1.5),
    "=": () => view.zoomBy(1.5),
    "-": () => view.zoomBy(1 / 1.5),
    0: view.showAll,
    ArrowLeft: () => view.moveBy(60, 0),
    ArrowRight: () => view.moveBy(-60, 0),
    ArrowUp: () => view.moveBy(0, 60),
    ArrowDown: () => view.moveBy(0, -60),
    n: () => highlight.walk(1),
    N: () => highlight.walk(-1),
    Escape: () => highlight.index >= 0 && highlight.light(-1),
    Enter: () => (highlight.index >= 0 ? emit("sample", highlight.index) : highlight.walk(1)),
  };
  overlay.addEventListener("keydown", (event) => {
    const act = KEYS[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey || !places.count || !act) return;
    if (act() !== false) event.preventDefault();
  });
};
