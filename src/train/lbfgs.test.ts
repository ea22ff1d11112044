import { expect, test } from "vitest";
import { minimise } from "./lbfgs.ts";

const options = { maxIterations: 300, gradientTolerance: 1e-8, valueTolerance: 0 };

test("finds the minimum of a badly scaled quadratic", async () => {
  const scales = [1, 30, 1000, 0.1, 7];
  const result = await minimise(
    async (x) => ({
      value: x.reduce((sum, v, i) => sum + ((scales[i] ?? 0) * (v - i) ** 2) / 2, 0),
      gradient: x.map((v, i) => (scales[i] ?? 0) * (v - i)),
    }),
    new Float64Array(5),
    options,
  );
  result.point.forEach((value, i) => {
    expect(value).toBeCloseTo(i, 6);
  });
  expect(result.iterations).toBeLessThan(60);
});

test("finds its way along Rosenbrock's valley", async () => {
  const result = await minimise(
    async ([x = 0, y = 0]) => ({
      value: (1 - x) ** 2 + 100 * (y - x * x) ** 2,
      gradient: Float64Array.of(-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)),
    }),
    Float64Array.of(-1.2, 1),
    options,
  );
  expect(result.point[0]).toBeCloseTo(1, 6);
  expect(result.point[1]).toBeCloseTo(1, 6);
});

test("stays where it is when it starts at the minimum", async () => {
  const result = await minimise(
    async (x) => ({ value: 0, gradient: x.map(() => 0) }),
    Float64Array.of(3),
    options,
  );
  expect(result).toMatchObject({ iterations: 0, point: Float64Array.of(3) });
});
