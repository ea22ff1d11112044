import { expect, test } from "vitest";
import { exhausted, noProgress, observe } from "./early-stopping.ts";

const watch = (epochs: readonly (readonly number[])[]) =>
  epochs.reduce((state, losses, epoch) => observe(state, epoch, losses), noProgress);

test("keeps the lowest loss where later ones are clearly higher, and counts the epochs since", () => {
  const seen = watch([
    [0.9, 0.9],
    [0.5, 0.5],
    [0.6, 0.61],
    [0.7, 0.71],
  ]);
  expect(seen).toEqual({ bestEpoch: 1, lowest: [0.5, 0.5], waited: 2 });
  expect(exhausted(seen, 2)).toBe(true);
  expect(exhausted(seen, 3)).toBe(false);
  expect(observe(seen, 4, [0.4, 0.4])).toEqual({ bestEpoch: 4, lowest: [0.4, 0.4], waited: 0 });
});

test("keeps the later of two epochs that the pictures cannot tell apart", () => {
  const seen = watch([
    [0.5, 0.5, 0.5],
    [0.2, 0.2, 1.3],
  ]);
  expect(seen).toEqual({ bestEpoch: 1, lowest: [0.5, 0.5, 0.5], waited: 1 });
});
