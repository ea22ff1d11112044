import { z } from "zod";
import { argmaxRows, crossEntropy } from "../train/softmax.ts";

/** One bar of the reliability diagram: predictions whose confidence lies in (from, to]. */
export const reliabilityBin = z.object({
  from: z.number(),
  to: z.number(),
  count: z.int().nonnegative(),
  /** Means over the bin; 0 where it is empty. */
  confidence: z.number(),
  accuracy: z.number(),
});
export type ReliabilityBin = z.infer<typeof reliabilityBin>;

export const calibration = z.object({
  /** Expected calibration error, 0 to 1. */
  ece: z.number(),
  bins: z.array(reliabilityBin),
});
export type Calibration = z.infer<typeof calibration>;

/**
 * Expected calibration error over equal-width bins of the top probability
 * (Naeini et al., 2015; 15 bins as in Guo et al., 2017), with the bins behind it.
 * @param probabilities [N, C]
 */
export function calibrate(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
  binCount = 15,
): Calibration {
  const predicted = argmaxRows(probabilities, classes);
  const sums = Array.from({ length: binCount }, () => ({ count: 0, confidence: 0, correct: 0 }));
  for (let row = 0; row < labels.length; row++) {
    const guess = predicted[row] ?? 0;
    const confidence = probabilities[row * classes + guess] ?? 0;
    const sum = sums[Math.min(binCount - 1, Math.max(0, Math.ceil(confidence * binCount) - 1))];
    if (sum === undefined) continue;
    sum.count++;
    sum.confidence += confidence;
    if (guess === labels[row]) sum.correct++;
  }
  const bins = sums.map(({ count, confidence, correct }, index) => ({
    from: index / binCount,
    to: (index + 1) / binCount,
    count,
    confidence: count === 0 ? 0 : confidence / count,
    accuracy: count === 0 ? 0 : correct / count,
  }));
  const ece = bins.reduce(
    (sum, bin) => sum + (bin.count / labels.length) * Math.abs(bin.confidence - bin.accuracy),
    0,
  );
  return { ece, bins };
}

/** Temperatures outside say more about a tiny validation set than about the network. */
const lowest = 0.25;
const highest = 10;

/**
 * The temperature that minimises the validation loss of softmax(logits / T)
 * (Guo et al., On Calibration of Modern Neural Networks, 2017). The loss is convex in 1 / T,
 * so a golden-section search over log T finds it; the result lies within 0.25 to 10.
 * @param logits [N, C]
 * @param spread standard deviation of a normal prior on log T around 0, which keeps a handful of
 *   pictures from claiming certainty; absent for none
 */
export function fitTemperature(
  logits: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
  spread = Number.POSITIVE_INFINITY,
): number {
  const loss = (logTemperature: number) =>
    crossEntropy(logits, labels, classes, Math.exp(logTemperature)) +
    (logTemperature / spread) ** 2 / (2 * labels.length);
  const golden = (Math.sqrt(5) - 1) / 2;
  let from = Math.log(lowest);
  let to = Math.log(highest);
  let left = to - golden * (to - from);
  let right = from + golden * (to - from);
  let leftLoss = loss(left);
  let rightLoss = loss(right);
  while (to - from > 1e-4) {
    if (leftLoss <= rightLoss) {
      to = right;
      [right, rightLoss] = [left, leftLoss];
      left = to - golden * (to - from);
      leftLoss = loss(left);
    } else {
      from = left;
      [left, leftLoss] = [right, rightLoss];
      right = from + golden * (to - from);
      rightLoss = loss(right);
    }
  }
  return Math.exp((from + to) / 2);
}
