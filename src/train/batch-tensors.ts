/** A batch of fixed size; rows past the real ones are zeros of weight 0. */
export interface BatchTensors {
  /** [N, ...dims] */
  readonly features: Float32Array;
  /** Target probabilities [N, C]. */
  readonly targets: Float32Array;
  /** [N] */
  readonly sampleWeights: Float32Array;
}

/** Target probabilities [N, C]: 1 at each row's label. */
export function oneHot(labels: readonly number[], classes: number): Float32Array {
  const targets = new Float32Array(labels.length * classes);
  labels.forEach((label, row) => {
    targets[row * classes + label] = 1;
  });
  return targets;
}

/** Pads `rows` rows of features and targets to `batchSize`. Full batches are not copied. */
export function padBatch(
  features: Float32Array,
  targets: Float32Array,
  rows: number,
  batchSize: number,
): BatchTensors {
  return {
    features: padRows(features, rows, batchSize),
    targets: padRows(targets, rows, batchSize),
    sampleWeights: new Float32Array(batchSize).fill(1, 0, rows),
  };
}

/** Values of `rows` rows followed by zeros up to `batchSize` rows. */
export function padRows(values: Float32Array, rows: number, batchSize: number): Float32Array {
  if (rows === batchSize) return values;
  const padded = new Float32Array((values.length / rows) * batchSize);
  padded.set(values);
  return padded;
}
