import { inferenceBatchSize as batchSize } from "../runtime/inference-batch.ts";
import { padRows } from "./batch-tensors.ts";
import type { FitOptions } from "./fit-options.ts";
import { batchesOf } from "./order.ts";
import { readAhead } from "./read-ahead.ts";
import type { Trainable } from "./trainable.ts";

/** Logits [V, C] of the validation pictures, without augmentation, at the current weights. */
export async function validationLogits(
  { validation, classes, features }: FitOptions,
  trainable: Trainable,
): Promise<Float32Array> {
  const views = validation.map(({ sample }) => ({ sample, strength: "none" as const, draw: 0 }));
  const batches = batchesOf(views, batchSize);
  const read = readAhead((index) => features.load(batches[index] ?? []), batches.length);
  const result = new Float32Array(validation.length * classes);
  for (const [index, { length: rows }] of batches.entries()) {
    const logits = await trainable.logits(padRows(await read(index), rows, batchSize));
    result.set(logits.subarray(0, rows * classes), index * batchSize * classes);
  }
  return result;
}
