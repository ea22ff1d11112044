import { z } from "zod";

/** The best epoch so far and how many epochs have passed without a better one. */
export const progress = z.object({
  /** -1 before the first epoch. */
  bestEpoch: z.int().min(-1),
  bestLoss: z.number().nullable(),
  waited: z.int().nonnegative(),
});
export type Progress = z.infer<typeof progress>;

export const noProgress: Progress = { bestEpoch: -1, bestLoss: null, waited: 0 };

/** Takes in the validation loss of an epoch; equal losses keep the earlier epoch. */
export function observe(seen: Progress, epoch: number, loss: number): Progress {
  return seen.bestLoss === null || loss < seen.bestLoss
    ? { bestEpoch: epoch, bestLoss: loss, waited: 0 }
    : { ...seen, waited: seen.waited + 1 };
}

/** True once `patience` epochs in a row brought no lower validation loss. */
export function exhausted(seen: Progress, patience: number): boolean {
  return seen.waited >= patience;
}
