import { randomFor } from "../data/random.ts";

/** The rows of one step: indices into the training set, at most a batch of them. */
export type Batch = readonly number[];

/**
 * The batches of one epoch in order; the last may be partial. A function of seed and epoch alone,
 * so any step of any epoch can be found again.
 */
export function epochBatches(
  count: number,
  batchSize: number,
  seed: number,
  epoch: number,
): Batch[] {
  const rows = Array.from({ length: count }, (_, row) => row);
  return batchesOf(randomFor("order", seed, epoch).shuffle(rows), batchSize);
}

/** Items in the order given, cut into batches. */
export function batchesOf<T>(items: readonly T[], batchSize: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / batchSize) }, (_, index) =>
    items.slice(index * batchSize, (index + 1) * batchSize),
  );
}
