import { randomFor } from "./random.ts";

/** A set of samples that must stay together, by their indices. */
export type Cluster = readonly number[];

export interface StratifyOptions {
  /** The share of every part, adding up to 1. */
  readonly shares: readonly number[];
  /** Give every part at least one sample of a class that has enough clusters. */
  readonly everyPart: boolean;
  readonly seed: number;
}

/**
 * Deals clusters of samples into parts so that every class is spread by the shares: whole
 * clusters, largest first, each to the part that lacks its classes most. With single samples
 * each class comes out exact to less than one sample a part.
 * Source: Sechidis, Tsoumakas, Vlahavas, "On the Stratification of Multi-Label Data" (2011), the
 * greedy step, for clusters instead of label sets.
 * @returns the part of each cluster
 */
export function stratify(
  clusters: readonly Cluster[],
  labelOf: (sample: number) => number,
  options: StratifyOptions,
): number[] {
  const lacks = quotas(clusters, labelOf, options);
  const order = randomFor("stratify", options.seed).shuffle(clusters.map((_, i) => i));
  order.sort((a, b) => (clusters[b]?.length ?? 0) - (clusters[a]?.length ?? 0));
  const parts = new Array<number>(clusters.length).fill(0);
  for (const index of order) {
    const labels = (clusters[index] ?? []).map(labelOf);
    const need = options.shares.map((_, part) =>
      labels.reduce((sum, label) => sum + (lacks.get(label)?.[part] ?? 0), 0),
    );
    const part = largest(need);
    parts[index] = part;
    for (const label of labels) {
      const lack = lacks.get(label);
      if (lack !== undefined) lack[part] = (lack[part] ?? 0) - 1;
    }
  }
  return parts;
}

/** Whole samples of each class for each part; what rounding owes a part is paid by later classes. */
function quotas(
  clusters: readonly Cluster[],
  labelOf: (sample: number) => number,
  { shares, everyPart }: StratifyOptions,
): Map<number, number[]> {
  const samples = new Map<number, number>();
  const holders = new Map<number, number>();
  for (const cluster of clusters) {
    const labels = cluster.map(labelOf);
    for (const label of labels) samples.set(label, (samples.get(label) ?? 0) + 1);
    for (const label of new Set(labels)) holders.set(label, (holders.get(label) ?? 0) + 1);
  }
  const owed = shares.map(() => 0);
  const result = new Map<number, number[]>();
  for (const [label, count] of [...samples].sort((a, b) => a[0] - b[0])) {
    const exact = shares.map((share) => share * count);
    const quota = exact.map((value) => Math.floor(value + 1e-9));
    for (let left = count - sum(quota); left > 0; left--) {
      const part = largest(
        exact.map((value, i) => {
          const missing = value - (quota[i] ?? 0);
          return missing > 1e-9 ? missing + (owed[i] ?? 0) : Number.NEGATIVE_INFINITY;
        }),
      );
      quota[part] = (quota[part] ?? 0) + 1;
    }
    if (everyPart) fillEmpty(quota, owed, holders.get(label) ?? 0);
    exact.forEach((value, i) => {
      owed[i] = (owed[i] ?? 0) + value - (quota[i] ?? 0);
    });
    result.set(label, quota);
  }
  return result;
}

/** Moves single samples from the fullest part to empty ones, as many as there are clusters for. */
function fillEmpty(quota: number[], owed: readonly number[], clusters: number): void {
  let filled = quota.filter((value) => value > 0).length;
  while (filled < Math.min(quota.length, clusters)) {
    const from = largest(quota);
    const to = largest(
      quota.map((value, i) => (value > 0 ? Number.NEGATIVE_INFINITY : (owed[i] ?? 0))),
    );
    if ((quota[from] ?? 0) < 2) return;
    quota[from] = (quota[from] ?? 0) - 1;
    quota[to] = 1;
    filled++;
  }
}

function largest(values: readonly number[]): number {
  return values.reduce((best, value, i) => (value > (values[best] ?? 0) + 1e-9 ? i : best), 0);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
