import { expect, test } from "vitest";
import type { TrialRecord } from "../record.ts";
import { bestByDepth } from "./search.ts";

const trial = (depth: number, mean: number, chosen = false): TrialRecord => ({
  name: `cut ${depth}`,
  depth,
  augmentation: "light",
  learningRate: 1e-3,
  folds: [mean],
  mean,
  standardError: null,
  chosen,
});

test("the chosen trial keeps its place on the line, whatever else was tried there", () => {
  const chosen = trial(0, 0.5, true);
  const others = [trial(0, 0.4), trial(0, 0.6), trial(0.5, 0.7), trial(0.5, 0.3)];
  for (const trials of [
    [chosen, ...others],
    [...others, chosen],
  ]) {
    expect(bestByDepth(trials)).toEqual([chosen, trial(0.5, 0.3)]);
  }
});
