import type { Sample, Split } from "./dataset.ts";
import { type Cluster, stratify } from "./stratify.ts";
import { UnionFind } from "./union-find.ts";

export interface SplitOptions {
  /** Share of the pictures kept aside for validation and for the final test, 0 to 1. */
  readonly validation: number;
  readonly test: number;
  readonly seed: number;
}

export const defaultSplit: SplitOptions = { validation: 0.15, test: 0.15, seed: 0 };

/**
 * The side of every sample. A split the dataset gives is kept; what it lacks is taken from its
 * training part (or from everything). Copies, near copies and the samples of one group stay on
 * one side, every class stands on each side where it has enough samples.
 * @param alike groups of sample indices that show the same picture, `Duplicates.alike`
 */
export function assignSplits(
  samples: readonly Sample[],
  alike: readonly Cluster[],
  options: SplitOptions = defaultSplit,
): Split[] {
  const given = new Set(samples.map((sample) => sample.split));
  const validation = given.has("val") ? 0 : options.validation;
  const test = given.has("test") ? 0 : options.test;
  const parts = (
    [
      ["train", 1 - validation - test],
      ["val", validation],
      ["test", test],
    ] as const
  ).filter(([name, share]) => name === "train" || share > 0);
  const sides: Split[] = samples.map((sample) => sample.split ?? "train");
  const free: Cluster[] = [];
  for (const cluster of clusters(samples, alike)) {
    const movable = cluster.filter((i) => (samples[i]?.split ?? "train") === "train");
    const fixed = cluster.find((i) => !movable.includes(i));
    if (fixed === undefined) free.push(cluster);
    else {
      const side = samples[fixed]?.split ?? "train";
      for (const i of movable) if (samples[i]?.split === undefined) sides[i] = side;
    }
  }
  const dealt = stratify(free, (i) => samples[i]?.label ?? 0, {
    shares: parts.map(([, share]) => share),
    everyPart: true,
    seed: options.seed,
  });
  free.forEach((cluster, index) => {
    for (const i of cluster) sides[i] = parts[dealt[index] ?? 0]?.[0] ?? "train";
  });
  return sides;
}

/**
 * Stratified folds for cross-validation, clusters kept whole.
 * @returns the fold of every sample, 0 to `k` - 1; none is empty, there are fewer where there are
 *   fewer clusters
 */
export function stratifiedFolds(
  samples: readonly Sample[],
  alike: readonly Cluster[],
  k: number,
  seed: number,
): number[] {
  const whole = clusters(samples, alike);
  const count = Math.min(k, whole.length);
  const shares = Array.from({ length: count }, () => 1 / count);
  const dealt = stratify(whole, (i) => samples[i]?.label ?? 0, { shares, everyPart: true, seed });
  fillEmptyFolds(whole, dealt, count);
  const folds = new Array<number>(samples.length).fill(0);
  whole.forEach((cluster, index) => {
    for (const i of cluster) folds[i] = dealt[index] ?? 0;
  });
  return folds;
}

/** Gives each fold without a cluster the smallest one of a fold that has others. */
function fillEmptyFolds(whole: readonly Cluster[], dealt: number[], count: number): void {
  for (let fold = 0; fold < count; fold++) {
    if (dealt.includes(fold)) continue;
    const held = new Array<number>(count).fill(0);
    for (const own of dealt) held[own] = (held[own] ?? 0) + 1;
    const [spare] = whole
      .map(({ length }, index) => ({ length, index }))
      .filter(({ index }) => (held[dealt[index] ?? 0] ?? 0) > 1)
      .sort((a, b) => a.length - b.length);
    if (spare !== undefined) dealt[spare.index] = fold;
  }
}

/**
 * About `count` samples with the classes in proportion, at least one of each class that can
 * spare one. @returns ascending indices; all of them when `count` is no less than there are
 */
export function stratifiedSubset(
  samples: readonly Sample[],
  count: number,
  seed: number,
): number[] {
  const indices = samples.map((_, i) => i);
  if (count >= samples.length) return indices;
  const share = count / samples.length;
  const dealt = stratify(
    indices.map((i) => [i]),
    (i) => samples[i]?.label ?? 0,
    { shares: [share, 1 - share], everyPart: true, seed },
  );
  return indices.filter((i) => dealt[i] === 0);
}

function clusters(samples: readonly Sample[], alike: readonly Cluster[]): Cluster[] {
  const sets = new UnionFind(samples.length);
  for (const [first = 0, ...rest] of alike) for (const i of rest) sets.join(first, i);
  const groups = new Map<string, number>();
  samples.forEach(({ group }, i) => {
    if (group === undefined) return;
    sets.join(groups.get(group) ?? i, i);
    groups.set(group, i);
  });
  const whole = sets.groups();
  const taken = new Set(whole.flat());
  for (let i = 0; i < samples.length; i++) if (!taken.has(i)) whole.push([i]);
  return whole.sort((a, b) => (a[0] ?? 0) - (b[0] ?? 0));
}
