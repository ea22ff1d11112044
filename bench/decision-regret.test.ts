import { expect, test } from "vitest";
import { randomFor } from "../src/data/random.ts";
import { auroc, crossFittedRegret, type MethodRun, weightedKendallTau } from "./decision-regret.ts";

/** Two seeds of 400 held-out pictures, each named right with this probability. */
function runs(name: string, probability: number): MethodRun[] {
  return [0, 1].map((seed) => {
    const random = randomFor(name, seed);
    return { seed, hits: Array.from({ length: 400 }, () => (random.chance(probability) ? 1 : 0)) };
  });
}

test("a method that is the best cut has no regret, one that is worse has the difference", () => {
  const cuts = [runs("a", 0.6), runs("b", 0.9), runs("c", 0.7)];
  const [worse, best] = cuts;
  if (worse === undefined || best === undefined) throw new Error("no cuts");
  expect(crossFittedRegret(cuts, best).value).toBe(0);
  const { value, standardError } = crossFittedRegret(cuts, worse);
  expect(value).toBeCloseTo(0.3, 1);
  expect(standardError).toBeGreaterThan(0.01);
  expect(standardError).toBeLessThan(0.03);
});

test("the best of many cuts that are equal is not flattered", () => {
  const cuts = Array.from({ length: 10 }, (_, i) => runs(`cut ${i}`, 0.7));
  const method = runs("method", 0.7);
  const { value, standardError } = crossFittedRegret(cuts, method);
  expect(Math.abs(value)).toBeLessThan(2.5 * standardError);
});

test("a rank correlation of 1 for one order, -1 for its reverse", () => {
  expect(weightedKendallTau([3, 1, 2], [30, 10, 20])).toBe(1);
  expect(weightedKendallTau([3, 1, 2], [-3, -1, -2])).toBe(-1);
});

test("area under the curve counts pairs in order", () => {
  expect(auroc([0.9, 0.8], [0.1, 0.8])).toBe(0.875);
});
