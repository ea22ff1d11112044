import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { measure, topK, wilsonInterval } from "./metrics.ts";

describe("measure", () => {
  // scikit-learn's classification_report of y = [0,0,0,1,1,2], p = [0,0,1,1,2,2].
  const rows = [
    [0.8, 0.1, 0.1],
    [0.5, 0.3, 0.2],
    [0.2, 0.7, 0.1],
    [0.1, 0.6, 0.3],
    [0.1, 0.3, 0.6],
    [0.2, 0.2, 0.6],
  ];
  const result = measure(rows.flat(), [0, 0, 0, 1, 1, 2], 3);

  test("counts a hand-made confusion matrix", () => {
    expect(result.confusion).toEqual([
      [2, 1, 0],
      [0, 1, 1],
      [0, 0, 1],
    ]);
    expect(result.accuracy).toBeCloseTo(4 / 6, 12);
    expect(result.balancedAccuracy).toBeCloseTo((2 / 3 + 1 / 2 + 1) / 3, 12);
    expect(result.perClass[0]).toEqual({
      precision: 1,
      recall: 2 / 3,
      f1: expect.closeTo(0.8, 12),
      support: 3,
    });
    expect(result.macroF1).toBeCloseTo((0.8 + 0.5 + 2 / 3) / 3, 12);
    expect(result.loss).toBeCloseTo(
      -[0.8, 0.5, 0.2, 0.6, 0.3, 0.6].reduce((sum, p) => sum + Math.log(p), 0) / 6,
      12,
    );
    expect(result.top5).toBeUndefined();
  });

  test("leaves classes without pictures out of the means", () => {
    const without = measure([0.9, 0.1, 0, 0.2, 0.8, 0], [0, 1], 3);
    expect(without.macroF1).toBe(1);
    expect(without.balancedAccuracy).toBe(1);
    expect(without.perClass[2]).toEqual({ precision: 0, recall: 0, f1: 0, support: 0 });
  });

  test("gives a probability of zero a large finite loss", () => {
    expect(measure([0, 1], [0], 2).loss).toBeCloseTo(-Math.log(1e-15), 6);
  });
});

test("top-k counts ties in favour of the true class", () => {
  const flat = [0.4, 0.3, 0.2, 0.1, 0.25, 0.25, 0.25, 0.25];
  expect(topK(flat, [2, 3], 4, 1)).toBe(0.5);
  expect(topK(flat, [2, 3], 4, 3)).toBe(1);
});

test("the Wilson interval matches published values and stays within 0 and 1", () => {
  const [low, high] = wilsonInterval(8, 10);
  expect(low).toBeCloseTo(0.4902, 3);
  expect(high).toBeCloseTo(0.9433, 3);
  fc.assert(
    fc.property(fc.nat(500), fc.nat(500), (a, b) => {
      const trials = Math.max(a, b, 1);
      const [from, to] = wilsonInterval(Math.min(a, b), trials);
      return from >= 0 && to <= 1 && from <= Math.min(a, b) / trials + 1e-12 && from < to;
    }),
  );
});
