// A curve without its noise.

/**
 * The exponential moving average of values, so many as there are. Its beginning is not drawn towards zero: it is divided
 * by the sum of its weights, as Adam does it (arXiv:1412.6980, section 3).
 * @param {number[]} values
 * @param {number} weight of all that was before, 0 (each value as it is) to less than 1
 */
export const smooth = (values, weight) => {
  let average = 0;
  let sum = 0; // of the weights
  return values.map((value) => {
    average = weight * average + (1 - weight) * value;
    sum = weight * sum + (1 - weight);
    return average / sum;
  });
};
