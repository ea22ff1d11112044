import { expect, test } from "vitest";
import { oneHot, padBatch } from "./batch-tensors.ts";

test("a partial batch is padded with rows of weight zero", () => {
  const batch = padBatch(new Float32Array([1, 2, 3, 4]), oneHot([1, 0], 2), 2, 3);
  expect([...batch.features]).toEqual([1, 2, 3, 4, 0, 0]);
  expect([...batch.targets]).toEqual([0, 1, 1, 0, 0, 0]);
  expect([...batch.sampleWeights]).toEqual([1, 1, 0]);
});

test("a full batch is passed on without a copy", () => {
  const features = new Float32Array([1, 2]);
  expect(padBatch(features, oneHot([0, 1], 2), 2, 2).features).toBe(features);
});
