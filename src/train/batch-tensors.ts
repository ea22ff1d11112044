import { uniformInt } from "pure-rand/distribution/uniformInt";
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";
import { symmetricBeta } from "./random.ts";

/** A batch of fixed size; rows past the real ones are zeros of weight 0. */
export interface BatchTensors {
  /** [N, ...dims] */
  readonly features: Float32Array;
  /** Target probabilities [N, C]. */
  readonly targets: Float32Array;
  /** [N] */
  readonly sampleWeights: Float32Array;
}

/** Pads features [n, ...dims] and labels [n] to `batchSize` rows. Full batches are not copied. */
export function padBatch(
  features: Float32Array,
  labels: ArrayLike<number>,
  classes: number,
  batchSize: number,
): BatchTensors {
  const rows = labels.length;
  const width = features.length / rows;
  const targets = new Float32Array(batchSize * classes);
  for (let row = 0; row < rows; row++) targets[row * classes + (labels[row] ?? 0)] = 1;
  return {
    features: rows === batchSize ? features : padRows(features, batchSize * width),
    targets,
    sampleWeights: new Float32Array(batchSize).fill(1, 0, rows),
  };
}

export function padRows(values: Float32Array, length: number): Float32Array {
  const padded = new Float32Array(length);
  padded.set(values);
  return padded;
}

/**
 * Mixup (Zhang et al., 2018): every real row becomes a blend of itself and another real row,
 * inputs and targets alike, with one Beta(alpha, alpha) share for the batch that leaves the row
 * itself the larger part. At a cut inside the network this is manifold mixup (Verma et al., 2019).
 */
export function mixup(
  batch: BatchTensors,
  rows: number,
  alpha: number,
  random: RandomGenerator,
): BatchTensors {
  if (rows < 2) return batch;
  const drawn = symmetricBeta(alpha, random);
  const share = Math.max(drawn, 1 - drawn);
  const shift = uniformInt(random, 1, rows - 1);
  const blend = (values: Float32Array) => {
    const width = values.length / batch.sampleWeights.length;
    const mixed = values.slice();
    for (let at = 0; at < rows * width; at++) {
      const other = values[(at + shift * width) % (rows * width)] ?? 0;
      mixed[at] = share * (values[at] ?? 0) + (1 - share) * other;
    }
    return mixed;
  };
  return { ...batch, features: blend(batch.features), targets: blend(batch.targets) };
}
