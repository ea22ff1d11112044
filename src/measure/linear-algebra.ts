import { ThawError } from "../errors.ts";

/** A dense matrix in row-major order: entry (i, j) is `data[i * cols + j]`. */
export interface Matrix {
  readonly rows: number;
  readonly cols: number;
  readonly data: Float64Array;
}

/** A matrix of zeros. */
export function zeros(rows: number, cols: number): Matrix {
  return { rows, cols, data: new Float64Array(rows * cols) };
}

/** The rows with these indices, in this order; an index may repeat. */
export function takeRows(matrix: Matrix, rows: readonly number[]): Matrix {
  const taken = zeros(rows.length, matrix.cols);
  rows.forEach((row, i) => {
    taken.data.set(rowOf(matrix, row), i * matrix.cols);
  });
  return taken;
}

/** A view of one row. */
export function rowOf(matrix: Matrix, row: number): Float64Array {
  return matrix.data.subarray(row * matrix.cols, (row + 1) * matrix.cols);
}

/** Rows become columns. */
export function transpose(matrix: Matrix): Matrix {
  const result = zeros(matrix.cols, matrix.rows);
  for (let i = 0; i < matrix.rows; i++)
    for (let j = 0; j < matrix.cols; j++)
      result.data[j * matrix.rows + i] = matrix.data[i * matrix.cols + j] ?? 0;
  return result;
}

/** Mean and population standard deviation of every column. */
export function columnMoments(matrix: Matrix): { mean: Float64Array; std: Float64Array } {
  const { rows, cols, data } = matrix;
  const mean = new Float64Array(cols);
  const std = new Float64Array(cols);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < cols; j++) mean[j] = (mean[j] ?? 0) + (data[i * cols + j] ?? 0) / rows;
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < cols; j++) {
      const away = (data[i * cols + j] ?? 0) - (mean[j] ?? 0);
      std[j] = (std[j] ?? 0) + (away * away) / rows;
    }
  for (let j = 0; j < cols; j++) std[j] = Math.sqrt(std[j] ?? 0);
  return { mean, std };
}

/** `(x - mean) / std` column by column; columns that do not vary become zero. */
export function standardise(
  matrix: Matrix,
  moments: { readonly mean: Float64Array; readonly std: Float64Array },
): Matrix {
  const { rows, cols, data } = matrix;
  const result = zeros(rows, cols);
  for (let j = 0; j < cols; j++) {
    const mean = moments.mean[j] ?? 0;
    const std = moments.std[j] ?? 0;
    const scale = std > 1e-6 * Math.max(1, Math.abs(mean)) ? 1 / std : 0;
    for (let i = 0; i < rows; i++)
      result.data[i * cols + j] = ((data[i * cols + j] ?? 0) - mean) * scale;
  }
  return result;
}

/** `a` times the transpose of `b`: all inner products between their rows. */
export function innerProducts(a: Matrix, b: Matrix): Matrix {
  const result = zeros(a.rows, b.rows);
  const symmetric = a === b;
  for (let i = 0; i < a.rows; i++) {
    const left = rowOf(a, i);
    for (let j = symmetric ? i : 0; j < b.rows; j++) {
      const value = dot(left, rowOf(b, j), a.cols);
      result.data[i * b.rows + j] = value;
      if (symmetric) result.data[j * b.rows + i] = value;
    }
  }
  return result;
}

/**
 * Inverse of the lower Cholesky factor L of a symmetric positive definite matrix A = L Lᵀ.
 * With W = L⁻¹: A⁻¹ = Wᵀ W, so the diagonal of A⁻¹ is the column sums of W squared.
 * @throws ThawError `measure/not-positive-definite`
 */
export function inverseCholesky(matrix: Matrix): Matrix {
  const n = matrix.rows;
  const factor = matrix.data.slice();
  for (let i = 0; i < n; i++) {
    const row = factor.subarray(i * n, (i + 1) * n);
    for (let j = 0; j < i; j++) {
      const pivotRow = factor.subarray(j * n, (j + 1) * n);
      row[j] = ((row[j] ?? 0) - dot(row, pivotRow, j)) / (pivotRow[j] ?? 1);
    }
    const pivot = (row[i] ?? 0) - dot(row, row, i);
    if (!(pivot > 0)) {
      throw new ThawError({
        code: "measure/not-positive-definite",
        what: "The features of these pictures contain values that are not numbers",
        next: "Check the model and its preprocessing: the network's activations must be finite.",
      });
    }
    row[i] = Math.sqrt(pivot);
  }
  const inverse = zeros(n, n);
  for (let i = 0; i < n; i++) {
    const target = inverse.data.subarray(i * n, (i + 1) * n);
    const row = factor.subarray(i * n, (i + 1) * n);
    for (let k = 0; k < i; k++) {
      const weight = row[k] ?? 0;
      const source = inverse.data.subarray(k * n, k * n + k + 1);
      for (let j = 0; j <= k; j++) target[j] = (target[j] ?? 0) - weight * (source[j] ?? 0);
    }
    const scale = 1 / (row[i] ?? 1);
    for (let j = 0; j < i; j++) target[j] = (target[j] ?? 0) * scale;
    target[i] = scale;
  }
  return inverse;
}

function dot(a: Float64Array, b: Float64Array, length: number): number {
  let even = 0;
  let odd = 0;
  let k = 0;
  // Two independent sums: a single one is bound by the latency of the addition.
  for (; k + 1 < length; k += 2) {
    even += (a[k] ?? 0) * (b[k] ?? 0);
    odd += (a[k + 1] ?? 0) * (b[k + 1] ?? 0);
  }
  if (k < length) even += (a[k] ?? 0) * (b[k] ?? 0);
  return even + odd;
}
