import { expect, test } from "vitest";
import { mixup, padBatch } from "./batch-tensors.ts";
import { randomAt } from "./random.ts";

test("a partial batch is padded with rows of weight zero", () => {
  const batch = padBatch(new Float32Array([1, 2, 3, 4]), [1, 0], 2, 3);
  expect([...batch.features]).toEqual([1, 2, 3, 4, 0, 0]);
  expect([...batch.targets]).toEqual([0, 1, 1, 0, 0, 0]);
  expect([...batch.sampleWeights]).toEqual([1, 1, 0]);
});

test("a full batch is passed on without a copy", () => {
  const features = new Float32Array([1, 2]);
  expect(padBatch(features, [0, 1], 2, 2).features).toBe(features);
});

test("mixup blends inputs and targets by the same share and leaves padding alone", () => {
  const batch = padBatch(new Float32Array([1, 10, 100]), [0, 1, 2], 3, 4);
  const mixed = mixup(batch, 3, 0.4, randomAt(1, "mixup", 0));
  for (let row = 0; row < 3; row++) {
    const targets = [...mixed.targets.subarray(row * 3, row * 3 + 3)];
    expect(targets.reduce((a, b) => a + b)).toBeCloseTo(1, 6);
    expect(targets[row]).toBeGreaterThanOrEqual(0.5);
    const expected = [1, 10, 100].reduce((sum, value, i) => sum + value * (targets[i] ?? 0), 0);
    expect(mixed.features[row]).toBeCloseTo(expected, 4);
  }
  expect(mixed.features[3]).toBe(0);
  expect([...mixed.targets.subarray(9)]).toEqual([0, 0, 0]);
  expect([...batch.features]).toEqual([1, 10, 100, 0]);
});
