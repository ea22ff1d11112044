import { expect, test } from "vitest";
import { exhausted, noProgress, observe } from "./early-stopping.ts";

test("keeps the first of the lowest losses and counts the epochs since", () => {
  const losses = [0.9, 0.5, 0.5, 0.7];
  const seen = losses.reduce((state, loss, epoch) => observe(state, epoch, loss), noProgress);
  expect(seen).toEqual({ bestEpoch: 1, bestLoss: 0.5, waited: 2 });
  expect(exhausted(seen, 2)).toBe(true);
  expect(exhausted(seen, 3)).toBe(false);
  expect(observe(seen, 4, 0.4)).toEqual({ bestEpoch: 4, bestLoss: 0.4, waited: 0 });
});
