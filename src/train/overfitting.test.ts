import { expect, test } from "vitest";
import { judgeOverfitting } from "./overfitting.ts";

const record = (
  epoch: number,
  trainAccuracy: number,
  validationAccuracy: number,
  loss: number,
) => ({
  epoch,
  learningRate: 0.1,
  trainLoss: 0,
  trainAccuracy,
  validationLoss: loss,
  validationAccuracy,
});

test("a wide gap beside a rising validation loss is strong overfitting", () => {
  const verdict = judgeOverfitting([record(0, 0.9, 0.7, 0.8), record(1, 1, 0.7, 1.1)], 0, 1, 400);
  expect(verdict.verdict).toBe("strong");
  expect(verdict.gap).toBeCloseTo(0.2, 12);
  expect(verdict.rise).toBeCloseTo(0.3, 12);
  expect(verdict.says).toContain("20.0 points ahead");
  expect(verdict.says).toContain("after epoch 1");
});

test("the same gap on few pictures is noise", () => {
  const history = [record(0, 0.95, 0.85, 0.4)];
  expect(judgeOverfitting(history, 0, 1, 2000).verdict).toBe("mild");
  expect(judgeOverfitting(history, 0, 1, 30).verdict).toBe("none");
});

test("validation ahead of training, as augmentation makes it, is no overfitting", () => {
  const verdict = judgeOverfitting([record(0, 0.8, 0.9, 0.3)], 0, 1, 100);
  expect(verdict.verdict).toBe("none");
  expect(verdict.says).toContain("10.0 points behind");
});

test("the kept epoch counts, not the one of lowest loss", () => {
  const history = [record(0, 0.8, 0.8, 0.5), record(1, 0.95, 0.8, 0.51)];
  expect(judgeOverfitting(history, 1, 1, 400).gap).toBeCloseTo(0.15, 12);
});
