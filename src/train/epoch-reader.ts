import type { View } from "../data/view.ts";
import type { Example, FitOptions } from "./fit-options.ts";
import { type Batch, epochBatches } from "./order.ts";
import { readAhead } from "./read-ahead.ts";

export interface LoadedBatch {
  readonly examples: readonly Example[];
  /** [examples, ...dims] */
  readonly features: Float32Array;
}

/**
 * Gives the batch of a step, counted from the start of the first epoch, and loads the next ones
 * ahead, across the end of an epoch too.
 */
export function epochReader(
  options: FitOptions,
  steps: number,
): (step: number) => Promise<LoadedBatch> {
  const { train, batchSize, seed } = options;
  let known: { readonly epoch: number; readonly batches: readonly Batch[] } | undefined;
  const epochOf = (epoch: number) => {
    if (known?.epoch !== epoch) {
      known = { epoch, batches: epochBatches(train.length, batchSize, seed, epoch) };
    }
    return known.batches;
  };
  return readAhead(async (at) => {
    const epoch = Math.floor(at / steps);
    const rows = epochOf(epoch)[at % steps] ?? [];
    const examples = rows.map((row) => train[row]).filter((row) => row !== undefined);
    const features = await options.features.load(
      examples.map(({ sample }) => viewOf(options, sample, epoch)),
    );
    return { examples, features };
  }, options.epochs * steps);
}

/** The view of a training picture in an epoch: cached ones in turn, or a fresh one. */
function viewOf({ augmentation, views }: FitOptions, sample: number, epoch: number): View {
  const draw = augmentation === "none" ? 0 : views === 0 ? epoch : epoch % views;
  return { sample, strength: augmentation, draw };
}
