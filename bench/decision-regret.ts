import { randomFor } from "../src/data/random.ts";

/** One method's finished runs in one cell, a seed each. */
export interface MethodRun {
  readonly seed: number;
  /** 1 or 0 for every held-out picture of that seed. */
  readonly hits: readonly number[];
}

/** Runs of every candidate cut; the oracle is the best of them. */
export type CutRuns = readonly (readonly MethodRun[])[];

export interface Regret {
  /** Accuracy of the oracle minus that of the method; below 0 where the method did better. */
  readonly value: number;
  /** Standard error over the held-out pictures of all seeds. */
  readonly standardError: number;
}

/** Halvings of the held-out pictures that a regret is averaged over. */
const halvings = 20;

/** Share of right answers over all seeds. */
export function accuracyOf(runs: readonly MethodRun[]): number {
  return mean(runs.flatMap(({ hits }) => hits));
}

/**
 * What a method loses against the best cut, without flattering the oracle: the best cut is chosen
 * on one half of the held-out pictures (its accuracy averaged over seeds) and scored on the other,
 * both ways, and this is repeated over random halves.
 */
export function crossFittedRegret(cuts: CutRuns, method: readonly MethodRun[]): Regret {
  const lost = method.map(({ hits }) => new Float64Array(hits.length));
  for (let round = 0; round < halvings; round++) {
    const halves = method.map(({ seed, hits }) => halve(hits.length, seed, round));
    for (const side of [0, 1]) {
      const onSide = (runs: readonly MethodRun[]) =>
        mean(
          runs.flatMap(({ seed, hits }) => {
            const half = halves[method.findIndex((one) => one.seed === seed)];
            return half === undefined ? [] : hits.filter((_, i) => half[i] === side);
          }),
        );
      const accuracies = cuts.map(onSide);
      const oracle = cuts[accuracies.indexOf(Math.max(...accuracies))] ?? [];
      method.forEach(({ seed, hits }, at) => {
        const rival = oracle.find((run) => run.seed === seed);
        const own = lost[at];
        if (rival === undefined || own === undefined) throw new RangeError(`no seed ${seed}`);
        hits.forEach((hit, i) => {
          if (halves[at]?.[i] === side) return;
          own[i] = (own[i] ?? 0) + ((rival.hits[i] ?? 0) - hit) / halvings;
        });
      });
    }
  }
  const each = lost.flatMap((own) => [...own]);
  return { value: mean(each), standardError: standardError(each) };
}

/** 0 or 1 for every picture, half of each. */
function halve(count: number, seed: number, round: number): Uint8Array {
  const random = randomFor("halves", seed, round);
  const order = Array.from({ length: count }, (_, i) => ({ i, key: random.between(0, 1) })).sort(
    (a, b) => a.key - b.key,
  );
  const side = new Uint8Array(count);
  order.forEach(({ i }, place) => {
    side[i] = place % 2;
  });
  return side;
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

/** Standard error of the mean of independent values; 0 for fewer than two. */
export function standardError(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const centre = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - centre) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1) / values.length);
}

/**
 * Kendall's tau with pairs weighted by the sum of 1 / (1 + rank) of their first values, the
 * largest first (Vigna, A weighted correlation index for rankings with ties, 2015), as studies of
 * transferability scores report it; ties count as 0.
 */
export function weightedKendallTau(a: readonly number[], b: readonly number[]): number {
  const ranked = a.map((value, i) => ({ value, i })).sort((x, y) => y.value - x.value);
  const weight = new Float64Array(a.length);
  ranked.forEach(({ i }, rank) => {
    weight[i] = 1 / (1 + rank);
  });
  let agreement = 0;
  let total = 0;
  for (let i = 0; i < a.length; i++) {
    for (let j = 0; j < i; j++) {
      const w = (weight[i] ?? 0) + (weight[j] ?? 0);
      const sign = Math.sign((a[i] ?? 0) - (a[j] ?? 0)) * Math.sign((b[i] ?? 0) - (b[j] ?? 0));
      agreement += w * sign;
      total += w;
    }
  }
  return total === 0 ? 0 : agreement / total;
}

/** Probability that a positive scores above a negative; ties count half. */
export function auroc(positive: readonly number[], negative: readonly number[]): number {
  const wins = positive.flatMap((p) => negative.map((n) => (p > n ? 1 : p === n ? 0.5 : 0)));
  return mean(wins);
}
