import { z } from "zod";

/** What one epoch came to. Losses in nats, accuracies 0 to 1. */
export const epochRecord = z.object({
  epoch: z.int().nonnegative(),
  learningRate: z.number(),
  /** Over the pictures as trained on: augmented, smoothed, weighted, with dropout. */
  trainLoss: z.number(),
  trainAccuracy: z.number(),
  validationLoss: z.number(),
  validationAccuracy: z.number(),
});
export type EpochRecord = z.infer<typeof epochRecord>;

export const overfittingVerdict = z.object({
  verdict: z.enum(["none", "mild", "strong"]),
  /** Training minus validation accuracy at the kept epoch, -1 to 1. */
  gap: z.number(),
  /** Rise of the validation loss from the kept to the last epoch, in nats. */
  rise: z.number(),
  says: z.string(),
});
export type OverfittingVerdict = z.infer<typeof overfittingVerdict>;

/**
 * Judges the gap between training and validation at the epoch whose weights were kept.
 * Accuracies are compared, since the training loss carries smoothing and class weights. The gap
 * counts only where it exceeds twice the standard error that `validationCount` pictures allow.
 * @param history at least one epoch
 * @param bestEpoch counted from 0
 * @param coefficient where the weights kept lie between the first (0) and those of that epoch (1)
 */
export function judgeOverfitting(
  history: readonly EpochRecord[],
  bestEpoch: number,
  coefficient: number,
  validationCount: number,
): OverfittingVerdict {
  const best = history.find(({ epoch }) => epoch === bestEpoch) ?? history.reduce((a) => a);
  const last = history.at(-1) ?? best;
  const gap = best.trainAccuracy - best.validationAccuracy;
  const rise = last.validationLoss - best.validationLoss;
  const accuracy = best.validationAccuracy;
  const noise = 2 * Math.sqrt(Math.max(accuracy * (1 - accuracy), 0.01) / validationCount);
  const verdict = gap <= Math.max(noise, 0.05) ? "none" : gap <= 0.15 ? "mild" : "strong";
  return { verdict, gap, rise, says: sentence(verdict, gap, rise, coefficient, best, last) };
}

function sentence(
  verdict: OverfittingVerdict["verdict"],
  gap: number,
  rise: number,
  coefficient: number,
  best: EpochRecord,
  last: EpochRecord,
): string {
  const points = `${Math.abs(gap * 100).toFixed(1)} points`;
  const rose =
    last.epoch > best.epoch && rise > 0
      ? ` The validation loss rose after epoch ${best.epoch + 1}, the best one.`
      : "";
  const kept =
    coefficient < 1
      ? `${rose} This is of the best epoch itself, before its weights were drawn back towards those training started from.`
      : rose;
  if (verdict === "none") {
    const relation =
      gap > 0 ? `only ${points} ahead of` : gap < 0 ? `${points} behind` : "level with";
    return `No overfitting: training accuracy is ${relation} validation accuracy.${kept}`;
  }
  const advice =
    verdict === "strong"
      ? " Fewer trained layers, stronger augmentation or more pictures would help."
      : "";
  const degree = verdict === "strong" ? "Strong" : "Mild";
  return `${degree} overfitting: training accuracy is ${points} ahead of validation accuracy.${kept}${advice}`;
}
