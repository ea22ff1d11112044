import { expect, test } from "vitest";
import { randomFor } from "../data/random.ts";
import { dropoutMask } from "./trainable.ts";

test("a dropout mask drops its share, keeps the mean and comes back for the same seed", () => {
  const mask = { dims: [64, 1280], ratio: 0.3 };
  const values = dropoutMask(mask, randomFor("dropout", 1, 2));
  const dropped = values.filter((value) => value === 0).length / values.length;
  expect(dropped).toBeCloseTo(0.3, 1.7);
  expect(values.every((value) => value === 0 || value === Math.fround(1 / 0.7))).toBe(true);
  expect(values.reduce((a, b) => a + b, 0) / values.length).toBeCloseTo(1, 1.7);
  expect(dropoutMask(mask, randomFor("dropout", 1, 2))).toEqual(values);
  expect(dropoutMask(mask, randomFor("dropout", 1, 3))).not.toEqual(values);
});

test("neighbouring elements are dropped independently", () => {
  const values = dropoutMask({ dims: [40000], ratio: 0.5 }, randomFor("dropout", 5));
  const both = values.filter((value, i) => value === 0 && values[i + 1] === 0).length;
  expect(both / values.length).toBeCloseTo(0.25, 1.7);
});
