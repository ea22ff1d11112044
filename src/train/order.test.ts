import fc from "fast-check";
import { expect, test } from "vitest";
import { epochBatches } from "./order.ts";

test("every picture stands in exactly one batch of an epoch", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 200 }),
      fc.integer({ min: 1, max: 40 }),
      (count, size) => {
        const batches = epochBatches(count, size, 7, 0);
        expect(batches.slice(0, -1).every((batch) => batch.length === size)).toBe(true);
        expect(batches.flat().sort((a, b) => a - b)).toEqual([...Array(count).keys()]);
      },
    ),
  );
});

test("the order depends on seed and epoch and on nothing else", () => {
  expect(epochBatches(50, 8, 1, 2)).toEqual(epochBatches(50, 8, 1, 2));
  expect(epochBatches(50, 8, 1, 2).flat()).not.toEqual(epochBatches(50, 8, 1, 3).flat());
  expect(epochBatches(50, 8, 1, 2).flat()).not.toEqual(epochBatches(50, 8, 2, 2).flat());
  expect(epochBatches(50, 8, 1, 2).flat()).toEqual(epochBatches(50, 7, 1, 2).flat());
});
