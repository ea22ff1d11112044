import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** The most pictures the measurements look at. */
export const sampleLimit = 512;

/**
 * Which pictures to measure: at most `limit`, drawn class by class in proportion, every class
 * with at least two while they last. Seeded, and in random order, so that any run of rows is mixed.
 * @param labels the class of every picture of the dataset
 * @returns indices into `labels`
 */
export function chooseSample(
  labels: readonly number[],
  seed: number,
  limit: number = sampleLimit,
): number[] {
  const order = shuffledIndices(labels.length, seed);
  if (order.length <= limit) return order;
  const sizes = countLabels(labels);
  const taken = new Map<number, number>();
  const ranked = order.map((index, place) => {
    const label = labels[index] ?? 0;
    const rank = taken.get(label) ?? 0;
    taken.set(label, rank + 1);
    // Taking the smallest shares first is proportional; the first two of a class come before all.
    return { index, place, share: rank < 2 ? rank - 2 : (rank + 0.5) / (sizes.get(label) ?? 1) };
  });
  return ranked
    .sort((a, b) => a.share - b.share || a.place - b.place)
    .slice(0, limit)
    .sort((a, b) => a.place - b.place)
    .map(({ index }) => index);
}

function countLabels(labels: readonly number[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return counts;
}

/** Fisher and Yates. */
function shuffledIndices(count: number, seed: number): number[] {
  const random = xoroshiro128plus(seed);
  const indices = [...Array(count).keys()];
  for (let last = count - 1; last > 0; last--) {
    const other = uniformInt(random, 0, last);
    [indices[last], indices[other]] = [indices[other] ?? 0, indices[last] ?? 0];
  }
  return indices;
}
