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

/** The wrong predictions, most confident first, at most `count`. */
export function confidentMistakes(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
  count: number,
): Judged[] {
  return judge(probabilities, labels, classes)
    .filter(({ label, predicted }) => label !== predicted)
    .sort((a, b) => b.confidence - a.confidence || a.row - b.row)
    .slice(0, count);
}

/** The predictions with the least probability for the winning class, at most `count`. */
export function leastCertain(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
  count: number,
): Judged[] {
  return judge(probabilities, labels, classes)
    .sort((a, b) => a.confidence - b.confidence || a.row - b.row)
    .slice(0, count);
}

function judge(
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
