import { z } from "zod";
import { argmaxRows } from "../train/softmax.ts";

/** One picture's prediction, as shown beside its thumbnail. */
export const judged = z.object({
  /** Row of the evaluated set. */
  row: z.int().nonnegative(),
  label: z.int().nonnegative(),
  predicted: z.int().nonnegative(),
  /** Probability of the predicted class. */
  confidence: z.number(),
  /** Probability of the true class. */
  trueProbability: z.number(),
});
export type Judged = z.infer<typeof judged>;

/** Every picture's prediction, in order; `probabilities` are [N, classes]. */
export function judgeRows(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
): Judged[] {
  return Array.from(argmaxRows(probabilities, classes), (predicted, row) => {
    const label = labels[row] ?? 0;
    return {
      row,
      label,
      predicted,
      confidence: probabilities[row * classes + predicted] ?? 0,
      trueProbability: probabilities[row * classes + label] ?? 0,
    };
  });
}

/** The wrong predictions, most confident first; equals stay in order. */
export function confidentMistakes(rows: readonly Judged[]): Judged[] {
  return rows
    .filter(({ label, predicted }) => label !== predicted)
    .sort((a, b) => b.confidence - a.confidence);
}

/** The predictions by the probability of the winning class, least first; equals stay in order. */
export function leastCertain(rows: readonly Judged[]): Judged[] {
  return rows.toSorted((a, b) => a.confidence - b.confidence);
}
