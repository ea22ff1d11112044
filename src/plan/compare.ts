/** Standard errors by which a difference must exceed 0 to be clear: chance stays within in 95 %. */
export const clearly = 2;

export interface Comparison {
  /** Mean of `a - b`. */
  readonly difference: number;
  /** Its standard error over the pictures; infinite for fewer than two. */
  readonly standardError: number;
}

/**
 * Compares two ways to train on the pictures both were validated on: pairing takes out how hard
 * each picture is, so a few hundred pictures tell apart what two separate means could not.
 * @param a, b one figure a picture, in the same order
 */
export function compare(a: ArrayLike<number>, b: ArrayLike<number>): Comparison {
  if (a.length !== b.length) throw new RangeError("both must be judged on the same pictures");
  if (a.length < 2) return { difference: 0, standardError: Number.POSITIVE_INFINITY };
  const each = Array.from(a, (value, i) => value - (b[i] ?? 0));
  const difference = each.reduce((total, value) => total + value, 0) / each.length;
  const squares = each.reduce((total, value) => total + (value - difference) ** 2, 0);
  return { difference, standardError: Math.sqrt(squares / (each.length - 1) / each.length) };
}
