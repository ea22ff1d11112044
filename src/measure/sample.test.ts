import { expect, test } from "vitest";
import { chooseSample } from "./sample.ts";

const labels = [
  ...Array.from({ length: 900 }, () => 0),
  ...Array.from({ length: 90 }, () => 1),
  2,
  2,
  2,
];

test("keeps the proportions and at least two of every class", () => {
  const counts = [0, 0, 0];
  for (const index of chooseSample(labels, 1, 100)) {
    const label = labels[index] ?? 0;
    counts[label] = (counts[label] ?? 0) + 1;
  }
  expect(counts.reduce((a, b) => a + b)).toBe(100);
  expect(counts[2]).toBe(2);
  expect(counts[1]).toBeGreaterThanOrEqual(8);
  expect(counts[1]).toBeLessThanOrEqual(12);
});

test("names no picture twice and mixes the classes", () => {
  const chosen = chooseSample(labels, 7, 200);
  expect(new Set(chosen).size).toBe(200);
  const half = (from: number) =>
    chosen.slice(from, from + 100).filter((index) => labels[index] === 0).length;
  expect(Math.abs(half(0) - half(100))).toBeLessThan(25);
});

test("depends on nothing but the seed", () => {
  expect(chooseSample(labels, 3, 50)).toEqual(chooseSample(labels, 3, 50));
  expect(chooseSample(labels, 3, 50)).not.toEqual(chooseSample(labels, 4, 50));
});

test("takes every picture of a small dataset once", () => {
  expect([...chooseSample([0, 1, 0, 1], 1)].sort()).toEqual([0, 1, 2, 3]);
});
