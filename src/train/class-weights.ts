/**
 * One weight a class for the loss: one over the square root of its share, scaled so that the
 * mean weight of a training picture is 1. The square root sits between leaving rare classes
 * unheard and letting a handful of pictures rule the gradient, as full inverse frequency does
 * (compare Cui et al., Class-Balanced Loss, 2019). Balanced counts give all ones.
 * @param counts training pictures of each class; a class without any gets 0
 */
export function squareRootWeights(counts: readonly number[]): number[] {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const raw = counts.map((count) => (count === 0 ? 0 : 1 / Math.sqrt(count)));
  const mean = raw.reduce((sum, weight, index) => sum + weight * (counts[index] ?? 0), 0) / total;
  return raw.map((weight) => weight / mean);
}

/** Pictures a class, counted from labels. */
export function classCounts(labels: ArrayLike<number>, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row] ?? 0;
    counts[label] = (counts[label] ?? 0) + 1;
  }
  return counts;
}
