import {
  columnMoments,
  innerProducts,
  inverseCholesky,
  type Matrix,
  rowOf,
  standardise,
  transpose,
  zeros,
} from "./linear-algebra.ts";

/** Ridge strengths tried, relative to the number of varying features. */
const strengths = [0.003, 0.03, 0.3, 3];

/** How a classifier does on pictures it has not seen, one entry a picture. */
export interface LeftOut {
  /** 1 where the class was named right, else 0. */
  readonly hits: Uint8Array;
  /** Squared error relative to that of always answering the class frequencies: mean 1 is useless. */
  readonly errors: Float64Array;
}

/**
 * Leave-one-out results of a ridge classifier on one-hot targets, as if it were trained once on
 * all other pictures for every picture. They follow in closed form from one fit (PRESS, Allen
 * 1974): residual / (1 - leverage). The ridge strength with the least squared error is taken.
 * Costs min(pictures, features) cubed a strength.
 * @param features a picture a row
 * @param labels a class index for every row, at least two different ones
 */
export function leaveOneOut(features: Matrix, labels: readonly number[]): LeftOut {
  const targets = oneHot(labels);
  const centred = centreColumns(targets);
  const scaled = standardise(features, columnMoments(features));
  const dual = scaled.cols > scaled.rows;
  const crosswise = dual ? scaled : transpose(scaled);
  const gram = innerProducts(crosswise, crosswise);
  const level = Math.max(1e-12, trace(gram) / scaled.rows);
  let least = Number.POSITIVE_INFINITY;
  let residuals = centred;
  for (const strength of strengths) {
    const inverse = inverseCholesky(addToDiagonal(gram, strength * level));
    const candidate = dual
      ? dualResiduals(inverse, centred, strength * level)
      : primalResiduals(inverse, scaled, centred);
    const error = squares(candidate.data);
    if (error < least) {
      least = error;
      residuals = candidate;
    }
  }
  const n = labels.length;
  // Leaving a picture out also leaves it out of the class frequencies.
  const baseline = (squares(centred.data) / n) * (n / (n - 1)) ** 2;
  return {
    hits: Uint8Array.from(labels, (label, row) =>
      preferred(rowOf(targets, row), rowOf(residuals, row)) === label ? 1 : 0,
    ),
    errors: Float64Array.from(labels, (_, row) => squares(rowOf(residuals, row)) / baseline),
  };
}

/** With G = (X Xᵀ + ridge)⁻¹ = Wᵀ W: residual = ridge G y, 1 - leverage = ridge Gᵢᵢ - 1/n. */
function dualResiduals(inverse: Matrix, targets: Matrix, ridge: number): Matrix {
  const upper = transpose(inverse);
  const half = innerProducts(inverse, transpose(targets));
  const solved = innerProducts(upper, transpose(half));
  const n = targets.rows;
  return scaleRows(solved, (row) => {
    const column = rowOf(upper, row);
    return ridge / Math.max(1e-9, ridge * squares(column) - 1 / n);
  });
}

/** With A = XᵀX + ridge, A⁻¹ = Wᵀ W, Z = X Wᵀ: fit = Z Zᵀ y, leverage = 1/n + |zᵢ|². */
function primalResiduals(inverse: Matrix, features: Matrix, targets: Matrix): Matrix {
  const projected = innerProducts(features, inverse);
  const weights = innerProducts(transpose(targets), transpose(projected));
  const fit = innerProducts(projected, weights);
  const residuals = zeros(targets.rows, targets.cols);
  for (let i = 0; i < residuals.data.length; i++)
    residuals.data[i] = (targets.data[i] ?? 0) - (fit.data[i] ?? 0);
  return scaleRows(residuals, (row) => {
    return 1 / Math.max(1e-9, 1 - 1 / targets.rows - squares(rowOf(projected, row)));
  });
}

function oneHot(labels: readonly number[]): Matrix {
  const matrix = zeros(labels.length, 1 + Math.max(0, ...labels));
  labels.forEach((label, row) => {
    matrix.data[row * matrix.cols + label] = 1;
  });
  return matrix;
}

function centreColumns(matrix: Matrix): Matrix {
  const { mean } = columnMoments(matrix);
  return {
    ...matrix,
    data: matrix.data.map((value, i) => value - (mean[i % matrix.cols] ?? 0)),
  };
}

function addToDiagonal(matrix: Matrix, value: number): Matrix {
  const data = matrix.data.slice();
  for (let i = 0; i < matrix.rows; i++)
    data[i * matrix.cols + i] = (data[i * matrix.cols + i] ?? 0) + value;
  return { ...matrix, data };
}

function squares(values: Float64Array): number {
  return values.reduce((total, value) => total + value * value, 0);
}

function trace(matrix: Matrix): number {
  let total = 0;
  for (let i = 0; i < matrix.rows; i++) total += matrix.data[i * matrix.cols + i] ?? 0;
  return total;
}

function scaleRows(matrix: Matrix, factor: (row: number) => number): Matrix {
  const data = matrix.data.slice();
  for (let row = 0; row < matrix.rows; row++) {
    const by = factor(row);
    for (let i = row * matrix.cols; i < (row + 1) * matrix.cols; i++) data[i] = (data[i] ?? 0) * by;
  }
  return { ...matrix, data };
}

/** The class the left-out classifier prefers: its prediction is target minus residual. */
function preferred(targets: Float64Array, residuals: Float64Array): number {
  let top = 0;
  let value = Number.NEGATIVE_INFINITY;
  for (let c = 0; c < targets.length; c++) {
    const prediction = (targets[c] ?? 0) - (residuals[c] ?? 0);
    if (prediction > value) {
      value = prediction;
      top = c;
    }
  }
  return top;
}
