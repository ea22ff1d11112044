import { expect, test } from "vitest";
import { checkpointTimer } from "./checkpoint-timer.ts";

test("inside an epoch the interval decides, at its end the cost of the last checkpoint", () => {
  const timer = checkpointTimer(20_000, 0);
  expect(timer.due(19_999, false)).toBe(false);
  expect(timer.due(20_000, false)).toBe(true);
  expect(timer.due(1, true)).toBe(true);
  timer.wrote(1, 101);
  expect(timer.due(10_100, true)).toBe(false);
  expect(timer.due(10_101, true)).toBe(true);
  expect(timer.due(10_101, false)).toBe(false);
});

test.each([true, false])("an expensive checkpoint stretches the interval by a quarter", (ended) => {
  const timer = checkpointTimer(20_000, 0);
  timer.wrote(0, 450);
  expect(timer.due(450 + 22_499, ended)).toBe(false);
  expect(timer.due(450 + 22_500, ended)).toBe(true);
  timer.wrote(0, 5_000);
  expect(timer.due(5_000 + 24_999, ended)).toBe(false);
  expect(timer.due(5_000 + 25_000, ended)).toBe(true);
});
