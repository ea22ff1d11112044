/**
 * Row-wise softmax of logits [N, C] divided by a temperature, in float64.
 * Subtracting the row's maximum keeps it finite for any finite logits.
 */
export function softmax(logits: ArrayLike<number>, classes: number, temperature = 1): Float64Array {
  const result = new Float64Array(logits.length);
  for (let start = 0; start < logits.length; start += classes) {
    const highest = rowMaximum(logits, start, classes);
    let sum = 0;
    for (let at = start; at < start + classes; at++) {
      const value = Math.exp(((logits[at] ?? 0) - highest) / temperature);
      result[at] = value;
      sum += value;
    }
    for (let at = start; at < start + classes; at++) result[at] = (result[at] ?? 0) / sum;
  }
  return result;
}

/** Mean of `crossEntropies`. */
export function crossEntropy(
  logits: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
  temperature = 1,
): number {
  const losses = crossEntropies(logits, labels, classes, temperature);
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
}

/**
 * Negative log-likelihood (nats) of each row's label under logits [N, C] divided by a temperature.
 */
export function crossEntropies(
  logits: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
  temperature = 1,
): Float64Array {
  return Float64Array.from(labels, (label, row) => {
    const start = row * classes;
    const highest = rowMaximum(logits, start, classes);
    let sum = 0;
    for (let at = start; at < start + classes; at++) {
      sum += Math.exp(((logits[at] ?? 0) - highest) / temperature);
    }
    return Math.log(sum) - ((logits[start + label] ?? 0) - highest) / temperature;
  });
}

/** Index of the highest value of every row of [N, C]; the first of equals. */
export function argmaxRows(values: ArrayLike<number>, classes: number): Uint32Array {
  return Uint32Array.from({ length: values.length / classes }, (_, row) => {
    let best = 0;
    for (let column = 1; column < classes; column++) {
      if ((values[row * classes + column] ?? 0) > (values[row * classes + best] ?? 0)) {
        best = column;
      }
    }
    return best;
  });
}

function rowMaximum(values: ArrayLike<number>, start: number, count: number): number {
  let highest = Number.NEGATIVE_INFINITY;
  for (let at = start; at < start + count; at++) highest = Math.max(highest, values[at] ?? 0);
  return highest;
}
