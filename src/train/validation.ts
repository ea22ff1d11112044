import { plainView } from "../data/view.ts";
import { inferenceBatchSize as batchSize } from "../runtime/inference-batch.ts";
import { padRows } from "./batch-tensors.ts";
import type { FitOptions } from "./fit-options.ts";
import { batchesOf } from "./order.ts";
import { readAhead } from "./read-ahead.ts";
import type { Trainable } from "./trainable.ts";

/** Judges the validation pictures batch by batch, so that a pass may stop and go on anywhere. */
export interface Validator {
  /** Batches of a pass. */
  readonly batches: number;
  /**
   * Logits of one batch, without augmentation, at the current weights, written into those of all
   * pictures [V, C]. Batches are asked for in order.
   */
  judge(batch: number, into: Float32Array): Promise<void>;
}

export function openValidator(
  { validation, classes, features }: FitOptions,
  trainable: Trainable,
): Validator {
  const views = validation.map(({ sample }) => plainView(sample));
  const batches = batchesOf(views, batchSize);
  const read = readAhead((index) => features.load(batches[index] ?? []), batches.length);
  return {
    batches: batches.length,
    async judge(index, into) {
      const rows = batches[index]?.length ?? 0;
      const logits = await trainable.logits(padRows(await read(index), rows, batchSize));
      into.set(logits.subarray(0, rows * classes), index * batchSize * classes);
    },
  };
}
