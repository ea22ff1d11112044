import { expect, test } from "vitest";
import { confidentMistakes, leastCertain } from "./mistakes.ts";

const probabilities = [0.9, 0.1, 0.6, 0.4, 0.2, 0.8, 0.3, 0.7];
const labels = [0, 1, 0, 1];

test("the most confident mistakes come first and right answers never", () => {
  expect(confidentMistakes(probabilities, labels, 2, 5)).toEqual([
    { row: 2, label: 0, predicted: 1, confidence: 0.8, trueProbability: 0.2 },
    { row: 1, label: 1, predicted: 0, confidence: 0.6, trueProbability: 0.4 },
  ]);
  expect(confidentMistakes(probabilities, labels, 2, 1)).toHaveLength(1);
});

test("the least certain pictures are those with the lowest winning probability", () => {
  expect(leastCertain(probabilities, labels, 2, 2).map(({ row }) => row)).toEqual([1, 3]);
});
