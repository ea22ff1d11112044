import { z } from "zod";
import { compare } from "../plan/compare.ts";

/** The epoch whose weights are kept and how many epochs have passed since the lowest loss. */
export const progress = z.object({
  /** -1 before the first epoch. */
  bestEpoch: z.int().min(-1),
  /** Validation loss of every picture in the epoch where their mean was lowest. */
  lowest: z.array(z.number()),
  waited: z.int().nonnegative(),
});
export type Progress = z.infer<typeof progress>;

export const noProgress: Progress = { bestEpoch: -1, lowest: [], waited: 0 };

/**
 * Takes in the validation losses of an epoch, one a picture. The epoch kept is the last one whose
 * mean is not above the lowest by more than a standard error of their paired difference: a few
 * validation pictures cannot tell neighbouring epochs apart, the lowest of many noisy figures is
 * often an early one, and a learning rate that falls to the end makes the later weights the better
 * guess.
 */
export function observe(seen: Progress, epoch: number, losses: readonly number[]): Progress {
  if (seen.bestEpoch < 0) return { bestEpoch: epoch, lowest: [...losses], waited: 0 };
  const { difference, standardError } = compare(losses, seen.lowest);
  if (difference < 0) return { bestEpoch: epoch, lowest: [...losses], waited: 0 };
  const bestEpoch = difference <= standardError ? epoch : seen.bestEpoch;
  return { ...seen, bestEpoch, waited: seen.waited + 1 };
}

/** True once `patience` epochs in a row brought no lower validation loss. */
export function exhausted(seen: Progress, patience: number): boolean {
  return seen.waited >= patience;
}
