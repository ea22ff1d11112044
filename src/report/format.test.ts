import { expect, it } from "vitest";
import { duration } from "./format.ts";

it.each([
  [0.84, "0.8 s"],
  [42.4, "42 s"],
  [119.7, "2 min 0 s"],
  [179.4, "2 min 59 s"],
  [179.7, "3 min 0 s"],
  [3599.7, "1 h 0 min"],
  [7265, "2 h 1 min"],
])("%f seconds are %s", (seconds, says) => {
  expect(duration(seconds)).toBe(says);
});
