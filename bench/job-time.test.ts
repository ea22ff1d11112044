import { expect, test } from "vitest";
import { compare, type Moment } from "./job-time.ts";

const moment = (seconds: number, accuracy: number): Moment => ({
  seconds,
  cpuSeconds: 2 * seconds,
  accuracy,
});
const torch = [moment(10, 0.6), moment(20, 0.9), moment(30, 0.8)];

test("the same accuracy is Thaw's where PyTorch got there", () => {
  const found = compare({ thaw: moment(1, 0.7), torch });
  expect(found.toSame).toEqual({ wall: 20, cpu: 40 });
  expect(found).toMatchObject({ best: 0.9, last: 0.8, reachedLast: false, reachedBest: false });
});

test("the same accuracy is PyTorch's best where it never got to Thaw's", () => {
  const found = compare({ thaw: moment(1, 0.95), torch });
  expect(found.toSame).toEqual(found.toBest);
  expect(found.toEnd).toEqual({ wall: 30, cpu: 60 });
  expect(found).toMatchObject({ reachedLast: true, reachedBest: true });
});
