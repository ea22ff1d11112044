import fc from "fast-check";
import { expect, test } from "vitest";
import { learningRateAt } from "./schedule.ts";

const schedule = { peak: 1, floor: 0.1, warmupSteps: 3, totalSteps: 11 };

test("rises through the warm-up, peaks, and ends at the floor", () => {
  const rates = Array.from({ length: 12 }, (_, step) => learningRateAt(schedule, step));
  expect(rates.slice(0, 4)).toEqual([0.25, 0.5, 0.75, 1]);
  expect(rates[10]).toBeCloseTo(0.1, 12);
  expect(rates[11]).toBeCloseTo(0.1, 12);
  expect(learningRateAt({ ...schedule, warmupSteps: 0 }, 5)).toBeCloseTo(0.55, 12);
});

test("never leaves floor to peak after the warm-up and never rises again", () => {
  fc.assert(
    fc.property(fc.nat(20), fc.integer({ min: 1, max: 60 }), (warmupSteps, totalSteps) => {
      const rates = Array.from({ length: totalSteps }, (_, step) =>
        learningRateAt({ peak: 1, floor: 0, warmupSteps, totalSteps }, step),
      ).slice(warmupSteps);
      return rates.every(
        (rate, i) => rate >= 0 && rate <= 1 && (i === 0 || rate <= (rates[i - 1] ?? 0)),
      );
    }),
  );
});
