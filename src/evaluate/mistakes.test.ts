import { expect, test } from "vitest";
import { confidentMistakes, judgeRows, leastCertain } from "./mistakes.ts";

const probabilities = [0.9, 0.1, 0.6, 0.4, 0.2, 0.8, 0.3, 0.7, 0.4, 0.6];
const rows = judgeRows(probabilities, [0, 1, 0, 1, 1], 2);

test("the most confident mistakes come first and right answers never", () => {
  expect(confidentMistakes(rows)).toEqual([
    { row: 2, label: 0, predicted: 1, confidence: 0.8, trueProbability: 0.2 },
    { row: 1, label: 1, predicted: 0, confidence: 0.6, trueProbability: 0.4 },
  ]);
});

test("the least certain pictures come first, equals in their own order", () => {
  expect(leastCertain(rows).map(({ row }) => row)).toEqual([1, 4, 3, 2, 0]);
});
