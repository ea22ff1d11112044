import fc from "fast-check";
import { expect, test } from "vitest";
import { epochBatches } from "./order.ts";
import { randomAt, symmetricBeta } from "./random.ts";

const flat = (batches: readonly Uint32Array[]) => batches.flatMap((batch) => [...batch]);

test("every picture stands in exactly one batch of an epoch", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 200 }),
      fc.integer({ min: 1, max: 40 }),
      (count, size) => {
        const batches = epochBatches(count, size, 7, 0);
        expect(batches.slice(0, -1).every((batch) => batch.length === size)).toBe(true);
        expect(flat(batches).sort((a, b) => a - b)).toEqual([...Array(count).keys()]);
      },
    ),
  );
});

test("the order depends on seed and epoch and on nothing else", () => {
  expect(epochBatches(50, 8, 1, 2)).toEqual(epochBatches(50, 8, 1, 2));
  expect(flat(epochBatches(50, 8, 1, 2))).not.toEqual(flat(epochBatches(50, 8, 1, 3)));
  expect(flat(epochBatches(50, 8, 1, 2))).not.toEqual(flat(epochBatches(50, 8, 2, 2)));
  expect(flat(epochBatches(50, 8, 1, 2))).toEqual(flat(epochBatches(50, 7, 1, 2)));
});

test("every place in the order is equally likely for every picture", () => {
  const first = new Array(4).fill(0);
  for (let epoch = 0; epoch < 4000; epoch++) first[epochBatches(4, 1, 5, epoch)[0]?.[0] ?? 0]++;
  for (const count of first) expect(Math.abs(count - 1000)).toBeLessThan(110);
});

test("symmetric beta draws have the right mean and variance", () => {
  const random = randomAt(3, "mixup", 0);
  const draws = Array.from({ length: 20000 }, () => symmetricBeta(0.2, random));
  const mean = draws.reduce((a, b) => a + b, 0) / draws.length;
  const variance = draws.reduce((a, b) => a + (b - mean) ** 2, 0) / draws.length;
  expect(mean).toBeCloseTo(0.5, 1);
  expect(variance).toBeCloseTo(1 / (4 * (2 * 0.2 + 1)), 1.7);
});
