import { permutation, randomAt } from "./random.ts";

/** The rows of one step: indices into the training set, at most a batch of them. */
export type Batch = Uint32Array;

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
  return sequentialBatches(permutation(count, randomAt(seed, "order", epoch)), batchSize);
}

/** The rows in the order given, cut into batches. */
export function sequentialBatches(rows: Uint32Array, batchSize: number): Batch[] {
  return Array.from({ length: Math.ceil(rows.length / batchSize) }, (_, index) =>
    rows.subarray(index * batchSize, (index + 1) * batchSize),
  );
}
