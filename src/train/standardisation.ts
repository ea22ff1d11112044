/** What standardises the features of a training set, column by column. */
export interface Scaling {
  readonly mean: Float64Array;
  /**
   * One over the deviation halfway between a feature's own and the mean of all features'; 0 for a
   * feature that never changes.
   */
  readonly inverse: Float64Array;
}

/**
 * The mean of all is for features at rest in nearly every picture, as many behind a ReLU are on
 * data unlike the pretraining data: stretched to a deviation of 1 they would get weights that drown
 * all others as soon as a picture, or a step of fine-tuning, wakes them.
 * @param features [N, D]
 */
export function standardisation(features: Float32Array, rows: number): Scaling {
  const width = features.length / rows;
  const mean = new Float64Array(width);
  for (let at = 0, column = 0; at < features.length; at++, column = (column + 1) % width) {
    mean[column] = (mean[column] ?? 0) + (features[at] ?? 0) / rows;
  }
  const deviation = new Float64Array(width);
  for (let at = 0, column = 0; at < features.length; at++, column = (column + 1) % width) {
    const distance = (features[at] ?? 0) - (mean[column] ?? 0);
    deviation[column] = (deviation[column] ?? 0) + (distance * distance) / rows;
  }
  for (let column = 0; column < width; column++) {
    deviation[column] = Math.sqrt(deviation[column] ?? 0);
  }
  const typical = deviation.reduce((sum, one) => sum + one, 0) / width;
  const inverse = deviation.map((own, column) => {
    const constant = own <= 1e-6 * Math.max(Math.abs(mean[column] ?? 0), 1e-6);
    return constant ? 0 : 2 / (own + typical);
  });
  return { mean, inverse };
}

/** A linear classifier on raw, unstandardised features: logits = features x weight + bias. */
export interface LinearClassifier {
  /** [D, C] */
  readonly weight: Float32Array;
  /** [C] */
  readonly bias: Float32Array;
}

/** Weights for raw features from weights for standardised ones. */
export function unfold(point: Float64Array, scaling: Scaling, classes: number): LinearClassifier {
  const width = scaling.mean.length;
  const weight = new Float32Array(width * classes);
  const shift = point.slice(width * classes);
  for (let column = 0, at = 0; column < width; column++) {
    const mean = scaling.mean[column] ?? 0;
    const inverse = scaling.inverse[column] ?? 0;
    for (let c = 0; c < classes; c++, at++) {
      const scaled = (point[at] ?? 0) * inverse;
      weight[at] = scaled;
      shift[c] = (shift[c] ?? 0) - scaled * mean;
    }
  }
  return { weight, bias: Float32Array.from(shift) };
}
