import { expect, test } from "vitest";
import { crossEntropy, softmax } from "../train/softmax.ts";
import { calibrate, fitTemperature } from "./calibration.ts";

/** Two-class logits whose probabilities are right: of 100 rows at p, p x 100 belong to class 1. */
function honest(sharpness: number) {
  const logits: number[] = [];
  const labels: number[] = [];
  for (const p of [0.55, 0.65, 0.8, 0.95]) {
    for (let row = 0; row < 100; row++) {
      logits.push(0, Math.log(p / (1 - p)) * sharpness);
      labels.push(row < p * 100 - 1e-9 ? 1 : 0);
    }
  }
  return { logits, labels };
}

test("honest probabilities have no calibration error, sharpened ones do", () => {
  const { logits, labels } = honest(1);
  expect(calibrate(softmax(logits, 2), labels, 2).ece).toBeLessThan(1e-9);
  const sharp = honest(3);
  expect(calibrate(softmax(sharp.logits, 2), sharp.labels, 2).ece).toBeGreaterThan(0.1);
});

test("reliability bins hold every picture once, edges included", () => {
  const { bins, ece } = calibrate([1, 0, 0.5, 0.5, 0, 1], [0, 0, 0], 2);
  expect(bins).toHaveLength(15);
  expect(bins.reduce((sum, { count }) => sum + count, 0)).toBe(3);
  expect(bins[14]).toMatchObject({ count: 2, confidence: 1, accuracy: 0.5 });
  expect(bins[7]).toMatchObject({ count: 1, confidence: 0.5, accuracy: 1 });
  expect(ece).toBeCloseTo(0.5, 12);
});

test("temperature scaling undoes sharpening and is optimal", () => {
  const { logits, labels } = honest(3);
  const temperature = fitTemperature(logits, labels, 2);
  expect(temperature).toBeCloseTo(3, 2);
  const best = crossEntropy(logits, labels, 2, temperature);
  for (const factor of [0.9, 1.1]) {
    expect(crossEntropy(logits, labels, 2, temperature * factor)).toBeGreaterThan(best);
  }
});

test("the temperature stays within bounds where every prediction is right", () => {
  expect(fitTemperature([9, 0, 0, 9], [0, 1], 2)).toBeCloseTo(0.25, 3);
});
