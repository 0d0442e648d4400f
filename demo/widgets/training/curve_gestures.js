// What a pointer, two fingers, the wheel and the keys do on a chart: tell values, and zoom along the steps.

/** @import { Pair } from "../types.d.ts" */

const DRAG = 6; // CSS pixels that a pressed mouse moves before it chooses a range

/**
 * Places are in CSS pixels from the left edge of the chart.
 * @typedef {object} Acts
 * @property {(place: number | null) => void} point tell the values there; null: nowhere
 * @property {(by: number) => void} walk tell those so many points further
 * @property {(range: Pair | null) => void} brush show that this range is being chosen
 * @property {(range: Pair) => void} choose zoom to it
 * @property {(factor: number, place?: number) => void} zoomBy
 * @property {(pixels: number) => void} moveBy
 * @property {() => void} showAll
 * @property {() => boolean} isFocused
 */

/** @type {(canvas: HTMLCanvasElement, acts: Acts) => void} */
export const hearCurveGestures = (canvas, acts) => {
  /** @type {Map<number, number>} */
  const down = new Map(); // pointers that are pressed, and where they are
  /** @type {number | null} */
  let pressedAt = null; // of a mouse
  let isDrag = false;

  /** @param {MouseEvent} event */
  const at = (event) => event.clientX - canvas.getBoundingClientRect().left;
  /** @type {(one: number, other: number) => Pair} */
  const inOrder = (one, other) => [Math.min(one, other), Math.max(one, other)];

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    down.set(event.pointerId, at(event));
    canvas.setPointerCapture(event.pointerId);
    isDrag = false;
    if (event.pointerType === "mouse") pressedAt = at(event);
    else acts.point(at(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    const place = at(event);
    if (down.size === 2 && down.has(event.pointerId)) {
      const [one, other] = inOrder(.../** @type {Pair} */ ([...down.values()]));
      down.set(event.pointerId, place);
      const [newOne, newOther] = inOrder(.../** @type {Pair} */ ([...down.values()]));
      const [from, to] = [(one + other) / 2, (newOne + newOther) / 2];
      acts.zoomBy(Math.max(8, newOther - newOne) / Math.max(8, other - one), from);
      acts.moveBy(from - to);
      return;
    }
    if (down.has(event.pointerId)) down.set(event.pointerId, place);
    if (pressedAt !== null && (isDrag || Math.abs(place - pressedAt) > DRAG)) {
      isDrag = true;
      acts.brush(inOrder(pressedAt, place));
    }
    acts.point(place);
  });
  for (const name of /** @type {const} */ (["pointerup", "pointercancel"])) {
    canvas.addEventListener(name, (event) => {
      down.delete(event.pointerId);
      if (pressedAt !== null && isDrag) {
        acts.brush(null);
        if (name === "pointerup") acts.choose(inOrder(pressedAt, at(event)));
      }
      pressedAt = null;
    });
  }
  canvas.addEventListener("pointerleave", (event) => {
    if (event.pointerType === "mouse" && !down.size) acts.point(null);
  });
  canvas.addEventListener("blur", () => acts.point(null));
  canvas.addEventListener("dblclick", acts.showAll);
  canvas.addEventListener(
    "wheel",
    (event) => {
      const isMeant = event.ctrlKey || event.metaKey;
      if (!isMeant && !acts.isFocused()) return;
      // Of a mouse a turn is about 100 pixels or 3 lines; two fingers on a touchpad give small ones, with Ctrl.
      const turn = event.deltaMode ? 33 * event.deltaY : event.deltaY;
      acts.zoomBy(Math.exp(-turn * (isMeant && Math.abs(turn) < 50 ? 0.01 : 0.002)), at(event));
      event.preventDefault();
    },
    { passive: false },
  );

  /** @type {Record<string, (() => void) | undefined>} */
  const KEYS = {
    ArrowRight: () => acts.walk(1),
    ArrowLeft: () => acts.walk(-1),
    PageDown: () => acts.walk(20),
    PageUp: () => acts.walk(-20),
    Home: () => acts.walk(-Infinity),
    End: () => acts.walk(Infinity),
    "+": () => acts.zoomBy(1.5),
    "=": () => acts.zoomBy(1.5),
    "-": () => acts.zoomBy(1 / 1.5),
    0: acts.showAll,
    Escape: () => acts.point(null),
  };
  canvas.addEventListener("keydown", (event) => {
    const act = KEYS[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey || !act) return;
    act();
    event.preventDefault();
  });
};
