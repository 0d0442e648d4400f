// Where the images lie in each layout and what the network predicts, from the server: first for the shipped
// samples and then, when it is asked for, for all test images. Each time, the box around all of them is the map.

/** @import { Layout, MorePoints, Pair, Points, Servers } from "../types.d.ts" */
/** @typedef {ReturnType<typeof makePoints>} ImagePoints */

/**
 * What the server tells of images; for each layout their places in fractions of the samples' box, null if it is not ready.
 * @typedef {Points & { labels: Uint8Array<ArrayBuffer>, numbers: Uint16Array<ArrayBuffer> }} Told
 */

import { call } from "../shared/api.js";
import { bytes, floats32, words16 } from "../shared/base64.js";
import { finder, showProblem } from "../shared/dom.js";
import { facts } from "../shared/facts.js";
import * as samples from "../shared/samples.js";

/**
 * @param {HTMLElement} element
 * @param {Servers["map"]} server
 * @param {(points: Points) => void} show
 */
export const makePoints = (element, server, show) => {
  const find = finder(element);
  /**
   * @template Of
   * @param {(name: Layout) => Of} make
   * @returns {Record<Layout, Of>}
   */
  const byLayout = (make) => ({ pca: make("pca"), pixels: make("pixels"), tsne: make("tsne") });
  const own = { labels: samples.labels, numbers: samples.numbers };
  const more = find(".more", HTMLButtonElement);
  /** @type {Told | null} */
  let shipped = null; // of the samples
  /** @type {Told | null} */
  let whole = null; // of all test images, once they were asked for
  let remaining = 0; // test images that the server has besides the samples
  /** @type {Partial<Record<Layout, ReturnType<typeof frameAround> | null>>} */
  let frames = {}; // of each layout, the box around all that are shown: {low, size}, in fractions of the samples' box
  let loads = 0; // counts what was asked of the server: an answer about a network that is gone is dropped
  let hasFailed = false; // the last of them

  /** @param {number} count */
  const counted = (count) => count.toLocaleString("en");
  const isWhole = () => samples.count() > facts.samples.count;
  const offer = () => {
    more.hidden = !remaining;
    more.disabled = false;
    more.textContent = isWhole()
      ? `Show only ${counted(facts.samples.count)}`
      : `Show all ${counted(facts.samples.count + remaining)}`;
  };

  /** @param {Float32Array} places */
  const frameAround = (places) => {
    const [low, high] = [
      [Infinity, Infinity],
      [-Infinity, -Infinity],
    ];
    places.forEach((fraction, i) => {
      low[i % 2] = Math.min(low[i % 2], fraction);
      high[i % 2] = Math.max(high[i % 2], fraction);
    });
    return { low, size: high.map((most, axis) => most - low[axis] || 1) };
  };
  /**
   * From fractions of the samples' box to fractions of the map, or null where the layout is not ready.
   * @template {Float32Array | Pair} List
   * @param {Layout} layout
   * @param {List | null | undefined} places
   */
  const framed = (layout, places) => {
    const frame = frames[layout];
    if (!places || !frame) return null;
    const { low, size } = frame;
    return /** @type {List} */ (places.map((fraction, i) => (fraction - low[i % 2]) / size[i % 2]));
  };

  /** @param {Told} chosen */
  const use = (chosen) => {
    samples.use(chosen.labels, chosen.numbers);
    frames = byLayout((name) => chosen[name] && frameAround(chosen[name]));
    offer();
    show({ predictions: chosen.predictions, ...byLayout((name) => framed(name, chosen[name])) });
  };

  const load = async () => {
    const mine = ++loads;
    const wasWhole = isWhole() || more.disabled; // or on its way
    const reply = await call(server.points, {});
    if (mine !== loads) return;
    showProblem(element, reply.error);
    hasFailed = reply.error !== undefined;
    if (reply.error !== undefined) return offer();
    shipped = {
      ...own,
      predictions: bytes(reply.predictions),
      ...byLayout((name) => {
        const places = reply[name];
        return places === null ? null : Float32Array.from(words16(places), (fraction) => fraction / 65535);
      }),
    };
    [whole, remaining] = [null, reply.remaining];
    find(".said").textContent = "";
    use(shipped);
    if (wasWhole) loadRemaining();
  };

  /** @type {(first: ArrayLike<number>, rest: string[], decode: (base64: string) => ArrayLike<number>) => number[]} */
  const joined = (first, rest, decode) => [first, ...rest.map(decode)].flatMap((list) => Array.from(list));
  /** @type {(shipped: Told, chunks: MorePoints[]) => Told} */
  const together = (shipped, chunks) => ({
    predictions: Uint8Array.from(
      joined(
        shipped.predictions,
        chunks.map(({ predictions }) => predictions),
        bytes,
      ),
    ),
    labels: Uint8Array.from(
      joined(
        shipped.labels,
        chunks.map(({ labels }) => labels),
        bytes,
      ),
    ),
    numbers: Uint16Array.from(
      joined(
        shipped.numbers,
        chunks.map(({ numbers }) => numbers),
        words16,
      ),
    ),
    ...byLayout((name) => {
      const first = shipped[name];
      const rest = chunks.map((chunk) => chunk[name]).filter((text) => text !== null);
      return first && rest.length === chunks.length ? Float32Array.from(joined(first, rest, floats32)) : null;
    }),
  });

  // Chunk by chunk, as the network takes seconds to look at them all.
  const loadRemaining = async () => {
    if (!shipped) return;
    const mine = loads;
    /** @param {string} sentence */
    const fail = (sentence) => {
      find(".said").textContent = sentence;
      offer();
    };
    /** @type {MorePoints[]} */
    const chunks = [];
    let got = 0;
    let count;
    more.disabled = true;
    find(".said").textContent = "The network looks at the other test images.";
    do {
      more.textContent = `${counted(facts.samples.count + got)} of ${counted(facts.samples.count + remaining)} …`;
      const reply = await call(server.remaining_points, { chunk: chunks.length });
      if (mine !== loads) return;
      if (reply.error !== undefined) return fail(reply.error);
      chunks.push(reply);
      got += bytes(reply.labels).length;
      count = reply.count;
    } while (got < count);
    samples.otherSheet.src = chunks[0].sheet;
    const isLoaded = await samples.otherSheet.decode().then(
      () => true,
      () => false,
    );
    if (mine !== loads) return;
    if (!isLoaded) return fail("The images themselves could not be loaded.");
    find(".said").textContent = "";
    whole = together(shipped, chunks);
    use(whole);
  };

  more.addEventListener("click", () => {
    if (isWhole() && shipped) use(shipped);
    else if (whole) use(whole);
    else loadRemaining();
  });

  return {
    load,
    framed,
    get hasFailed() {
      return hasFailed;
    },
    get hasMore() {
      return remaining > 0 && !isWhole();
    },
  };
};
