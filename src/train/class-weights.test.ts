import { expect, test } from "vitest";
import { classCounts, squareRootWeights } from "./class-weights.ts";

test("balanced classes weigh the same", () => {
  for (const weight of squareRootWeights([5, 5, 5])) expect(weight).toBeCloseTo(1, 12);
});

test("a class with a quarter of the pictures weighs twice as much, the mean picture one", () => {
  const counts = [80, 20, 0];
  const [common = 0, rare = 0, absent] = squareRootWeights(counts);
  expect(rare / common).toBeCloseTo(2, 12);
  expect((80 * common + 20 * rare) / 100).toBeCloseTo(1, 12);
  expect(absent).toBe(0);
});

test("counts labels", () => {
  expect(classCounts([0, 2, 2], 4)).toEqual([1, 0, 2, 0]);
});
