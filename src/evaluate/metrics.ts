import { z } from "zod";
import { argmaxRows } from "../train/softmax.ts";

export const classMetrics = z.object({
  /** Share of the pictures given this class that belong to it; 0 where none was given it. */
  precision: z.number(),
  /** Share of this class's pictures that were found; 0 where it has none. */
  recall: z.number(),
  f1: z.number(),
  /** Pictures that truly belong to the class. */
  support: z.int().nonnegative(),
});

export const metrics = z.object({
  pictures: z.int().nonnegative(),
  accuracy: z.number(),
  /** 95 % Wilson interval of the accuracy. */
  accuracyInterval: z.tuple([z.number(), z.number()]),
  /** Mean recall over the classes that have pictures. */
  balancedAccuracy: z.number(),
  /** Mean F1 over the classes that have pictures. */
  macroF1: z.number(),
  /** Mean negative log-likelihood in nats. */
  loss: z.number(),
  /** Share of pictures whose class is among the five likeliest; only with more than ten classes. */
  top5: z.number().optional(),
  perClass: z.array(classMetrics),
  /** Rows are true classes, columns predicted ones, entries counts. */
  confusion: z.array(z.array(z.int().nonnegative())),
});
export type Metrics = z.infer<typeof metrics>;

/**
 * Every figure of merit of probabilities [N, C] against N labels.
 * @param labels at least one, each from 0 to C - 1
 */
export function measure(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
): Metrics {
  const pictures = labels.length;
  const predicted = argmaxRows(probabilities, classes);
  const confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  const given = new Array<number>(classes).fill(0);
  let loss = 0;
  for (let row = 0; row < pictures; row++) {
    const truth = labels[row] ?? 0;
    const guess = predicted[row] ?? 0;
    const counts = confusion[truth];
    if (counts !== undefined) counts[guess] = (counts[guess] ?? 0) + 1;
    given[guess] = (given[guess] ?? 0) + 1;
    loss -= Math.log(Math.max(probabilities[row * classes + truth] ?? 0, 1e-15));
  }
  const perClass = confusion.map((counts, index) => {
    const hits = counts[index] ?? 0;
    const support = counts.reduce((sum, count) => sum + count, 0);
    const precision = ratio(hits, given[index] ?? 0);
    const recall = ratio(hits, support);
    return {
      precision,
      recall,
      f1: ratio(2 * precision * recall, precision + recall),
      support,
    };
  });
  const present = perClass.filter(({ support }) => support > 0);
  const correct = perClass.reduce((sum, { recall, support }) => sum + recall * support, 0);
  return {
    pictures,
    accuracy: correct / pictures,
    accuracyInterval: wilsonInterval(correct, pictures),
    balancedAccuracy: mean(present.map(({ recall }) => recall)),
    macroF1: mean(present.map(({ f1 }) => f1)),
    loss: loss / pictures,
    ...(classes > 10 ? { top5: topK(probabilities, labels, classes, 5) } : {}),
    perClass,
    confusion,
  };
}

/** Share of rows of [N, C] where fewer than `k` other classes are likelier than the true one. */
export function topK(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
  k: number,
): number {
  let hits = 0;
  for (let row = 0; row < labels.length; row++) {
    const own = probabilities[row * classes + (labels[row] ?? 0)] ?? 0;
    let likelier = 0;
    for (let column = 0; column < classes; column++) {
      if ((probabilities[row * classes + column] ?? 0) > own) likelier++;
    }
    if (likelier < k) hits++;
  }
  return hits / labels.length;
}

/**
 * Interval of a proportion that keeps its 95 % coverage for small samples and near 0 and 1
 * (Wilson, 1927).
 */
export function wilsonInterval(successes: number, trials: number, z = 1.96): [number, number] {
  const share = successes / trials;
  const spread = z * Math.sqrt((share * (1 - share)) / trials + (z * z) / (4 * trials * trials));
  const scale = 1 + (z * z) / trials;
  const centre = share + (z * z) / (2 * trials);
  return [Math.max(0, (centre - spread) / scale), Math.min(1, (centre + spread) / scale)];
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function mean(values: readonly number[]): number {
  return ratio(
    values.reduce((sum, value) => sum + value, 0),
    values.length,
  );
}
