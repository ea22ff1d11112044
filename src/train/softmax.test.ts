import fc from "fast-check";
import { expect, test } from "vitest";
import { argmaxRows, crossEntropy, softmax } from "./softmax.ts";

test("rows sum to one and survive huge logits", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: -1e5, max: 1e5, noNaN: true }), { minLength: 3, maxLength: 3 }),
      (row) => {
        const sum = softmax(row, 3).reduce((a, b) => a + b, 0);
        return Math.abs(sum - 1) < 1e-12;
      },
    ),
  );
});

test("cross-entropy is the mean of minus log probability, at any temperature", () => {
  const logits = [1, 2, 3, -1, 0, 4];
  const labels = [2, 0];
  const p = softmax(logits, 3, 2);
  const expected = -(Math.log(p[2] ?? 0) + Math.log(p[3] ?? 0)) / 2;
  expect(crossEntropy(logits, labels, 3, 2)).toBeCloseTo(expected, 12);
});

test("argmax takes the first of equals", () => {
  expect([...argmaxRows([1, 1, 0, 0, 2, 2], 3)]).toEqual([0, 1]);
});
