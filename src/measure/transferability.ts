import type { Cut } from "../models/pretrained.ts";
import type { Matrix } from "./linear-algebra.ts";
import type { DepthCurve } from "./measurement.ts";
import { type LeftOut, leaveOneOut } from "./ridge.ts";

/** Pooled features of the measured pictures at one cut, a picture a row. */
export interface CutFeatures {
  readonly cut: Cut;
  readonly features: Matrix;
}

/**
 * Scores every cut by what a ridge classifier on its pooled features does on left-out pictures.
 * @param cuts at least one, in depth order
 * @param labels a class index for every row
 * @returns undefined where fewer than two classes have two pictures: nothing can be learnt there
 */
export function measureDepth(
  cuts: readonly CutFeatures[],
  labels: readonly number[],
): DepthCurve | undefined {
  const sizes = countLabels(labels);
  if (cuts.length === 0 || sizes.filter((size) => size >= 2).length < 2) return undefined;
  const results = cuts.map(({ features }) => leaveOneOut(features, labels));
  const points = cuts.map(({ cut }, i) => {
    const score = mean(results[i]?.hits ?? []);
    return {
      cut: cut.value,
      name: cut.name,
      depth: depthOf(cut),
      score,
      standardError: Math.sqrt((score * (1 - score)) / labels.length),
      explained: 1 - mean(results[i]?.errors ?? []),
    };
  });
  const top = Math.max(...points.map(({ score }) => score));
  const best = points.findLastIndex(({ score }) => score === top);
  const half = closest(
    points.map(({ depth }) => depth),
    0.5,
  );
  return {
    points,
    chance: Math.max(...sizes) / labels.length,
    best,
    peak: deepestEqual(results, best),
    gain: difference(results[half]?.errors ?? [], results.at(-1)?.errors ?? []),
  };
}

/** Share of the network's multiply-adds before a cut, 0 to 1. */
export function depthOf(cut: Cut): number {
  return cut.flopsBefore / Math.max(1, cut.flopsBefore + cut.flopsAfter);
}

/**
 * The deepest cut whose hits are not worse than the best cut's by more than one standard error
 * of their paired difference: both are scored on the same pictures.
 */
function deepestEqual(results: readonly LeftOut[], best: number): number {
  for (let i = results.length - 1; i > best; i--) {
    const lost = difference(results[best]?.hits ?? [], results[i]?.hits ?? []);
    if (lost.value <= lost.standardError) return i;
  }
  return best;
}

/** Mean of `a - b` over the pictures, and its standard error. */
function difference(a: ArrayLike<number>, b: ArrayLike<number>) {
  const each = Array.from(a, (value, i) => value - (b[i] ?? 0));
  const value = mean(each);
  const variance = mean(each.map((one) => (one - value) ** 2));
  return { value, standardError: Math.sqrt(variance / each.length) };
}

function countLabels(labels: readonly number[]): number[] {
  const counts = new Map<number, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return [...counts.values()];
}

function closest(values: readonly number[], wanted: number): number {
  return values.reduce(
    (nearest, value, i) =>
      Math.abs(value - wanted) < Math.abs((values[nearest] ?? 0) - wanted) ? i : nearest,
    0,
  );
}

function mean(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i] ?? 0;
  return total / Math.max(1, values.length);
}
