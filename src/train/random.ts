import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";

/** What the numbers are for; two purposes never share a sequence. */
export type Purpose = "order" | "dropout" | "mixup" | "folds";

const purposes: Readonly<Record<Purpose, number>> = { order: 1, dropout: 2, mixup: 3, folds: 4 };

/**
 * The random sequence for one purpose at one place of a run. Because the place (epoch, step) and
 * the seed are the whole state, a checkpoint that holds the two counters holds the random state.
 */
export function randomAt(
  seed: number,
  purpose: Purpose,
  ...counters: readonly number[]
): RandomGenerator {
  return xoroshiro128plus(
    [purposes[purpose], ...counters].reduce((hash, value) => mix(hash ^ mix(value)), mix(seed)),
  );
}

/** The finaliser of MurmurHash3: spreads neighbouring integers over all 32 bits. */
function mix(value: number): number {
  let hash = (value + 0x9e3779b9) | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

/** A permutation of 0 .. count - 1 (Fisher-Yates). */
export function permutation(count: number, random: RandomGenerator): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const pick = uniformInt(random, 0, last);
    const kept = order[last] ?? 0;
    order[last] = order[pick] ?? 0;
    order[pick] = kept;
  }
  return order;
}

/**
 * A draw from Beta(alpha, alpha), 0 to 1. Johnk's method, whose rejection rate is low for
 * alpha of 1 and below (Devroye, Non-Uniform Random Variate Generation, 1986, IX.4).
 */
export function symmetricBeta(alpha: number, random: RandomGenerator): number {
  for (;;) {
    const x = uniformFloat64(random) ** (1 / alpha);
    const y = uniformFloat64(random) ** (1 / alpha);
    if (x + y > 0 && x + y <= 1) return x / (x + y);
  }
}
