import { padRows } from "./batch-tensors.ts";
import type { FitOptions } from "./fit-options.ts";
import { sequentialBatches } from "./order.ts";
import { readAhead } from "./read-ahead.ts";
import type { Trainable } from "./trainable.ts";

/** Logits [V, C] of the validation pictures, without augmentation, at the current weights. */
export async function validationLogits(
  { validation, batchSize, classes, features }: FitOptions,
  trainable: Trainable,
): Promise<Float32Array> {
  const batches = sequentialBatches(
    Uint32Array.from(validation, (_, row) => row),
    batchSize,
  );
  const read = readAhead(
    (index) =>
      features.load(
        Array.from(batches[index] ?? [], (row) => ({
          sample: validation[row]?.sample ?? 0,
          strength: "none",
          draw: 0,
        })),
      ),
    batches.length,
  );
  const result = new Float32Array(validation.length * classes);
  for (const [index, rows] of batches.entries()) {
    const given = await read(index);
    const full = (given.length / rows.length) * batchSize;
    const logits = await trainable.logits(given.length === full ? given : padRows(given, full));
    result.set(logits.subarray(0, rows.length * classes), index * batchSize * classes);
  }
  return result;
}
