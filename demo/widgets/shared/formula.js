// The size that a convolution or pooling puts out: O = ⌊(n − f + 2p) / s⌋ + 1, with d (f − 1) + 1 for f where it is
// dilated. The server's own formula is fmnist_core.layer_table.output_size; a test compares the two.

const [MAX_SIZE, MAX_PADDING] = [64, 16]; // so that it can be drawn

/**
 * One direction: the size, and the sum as one would write it down; or what is wrong.
 * @type {(n: number, f: number, p: number, s: number, d: number) => { size: number, sum: string, wrong: string }}
 */
export const outputSize = (n, f, p, s, d) => {
  /** @param {string} wrong */
  const no = (wrong) => ({ size: 0, sum: "", wrong });
  const isWhole = [n, f, p, s, d].every(Number.isInteger);
  if (!isWhole || n < 1 || f < 1 || s < 1 || d < 1 || p < 0) return no("whole numbers: n, f, s and d from 1, p from 0");
  if (n > MAX_SIZE || p > MAX_PADDING) return no(`n up to ${MAX_SIZE} and p up to ${MAX_PADDING}`);
  const reach = d * (f - 1) + 1;
  if (reach > n + 2 * p) return no(`the filter (${reach}) is wider than the padded input (${n + 2 * p})`);
  const size = Math.floor((n - reach + 2 * p) / s) + 1;
  return { size, sum: `⌊(${n} − ${reach} + 2·${p}) / ${s}⌋ + 1 = ${size}`, wrong: "" };
};
