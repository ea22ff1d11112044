import { expect, test } from "vitest";
import { startStopwatch } from "./stopwatch.ts";

test("goes on from what earlier processes spent", () => {
  const watch = startStopwatch({ measuring: 3, training: 100 });
  watch.lap("training");
  watch.lap("evaluation");
  expect(Object.keys(watch.parts)).toEqual(["measuring", "training", "evaluation"]);
  expect(watch.parts.training).toBeGreaterThanOrEqual(100);
  expect(watch.total()).toBeGreaterThanOrEqual(103);
});
