import { expect, test } from "vitest";
import { ThawError } from "../errors.ts";
import { innerProducts, inverseCholesky, transpose } from "./linear-algebra.ts";

test("the inverse factor inverts", () => {
  const data = Float64Array.from([4, 1, 0.5, 1, 3, 0.2, 0.5, 0.2, 2]);
  const inverse = transpose(inverseCholesky({ rows: 3, cols: 3, data }));
  const product = innerProducts({ rows: 3, cols: 3, data }, innerProducts(inverse, inverse));
  [1, 0, 0, 0, 1, 0, 0, 0, 1].forEach((value, i) => {
    expect(product.data[i]).toBeCloseTo(value, 10);
  });
});

test("refuses what is not positive definite", () => {
  const matrix = { rows: 2, cols: 2, data: Float64Array.from([1, 2, 2, 1]) };
  expect(() => inverseCholesky(matrix)).toThrow(ThawError);
});
