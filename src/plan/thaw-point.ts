import type { DepthCurve } from "../measure/measurement.ts";
import type { Strategy } from "./plan.ts";

/** Share of the blocks that stay frozen where the depth curve does not ask for less. */
const frozenShare: Readonly<Record<Strategy, number>> = {
  full: 0,
  partial: 0.5,
  rear: 0.7,
  head: 1,
};

/**
 * Which candidate to thaw from: an index into the candidate thaw points, 0 for the input and
 * `candidates - 1` for the classifier. `partial` and `rear` thaw from the middle and from the last
 * third, or from the depth curve's peak where the features get no better behind it.
 */
export function thawIndex(
  strategy: Strategy,
  candidates: number,
  curve: DepthCurve | undefined,
): number {
  const last = candidates - 1;
  if (strategy === "head") return last;
  if (strategy === "full") return 0;
  const usual = Math.round(frozenShare[strategy] * last);
  return clamp(Math.min(usual, curve?.peak ?? usual), Math.min(1, last), Math.max(0, last - 1));
}

/** Share of the blocks that stay frozen where nothing is known but that measuring is allowed. */
const likelyShare = 0.25;

/**
 * The candidate that a check leans to: the front stays frozen, which saves a fifth of the work,
 * and all else is trained. Over data sets and amounts this came closest to the best cut
 * (`docs/decision.md`), whatever the similarity: at a low rate, from the linear probe and for a
 * short schedule, thawing more overfits less than the table fears.
 */
export function likelyIndex(candidates: number): number {
  return Math.min(Math.round(likelyShare * (candidates - 1)), Math.max(0, candidates - 2));
}

/** The strategy that thawing from a candidate amounts to. */
export function strategyAt(index: number, candidates: number): Strategy {
  if (index >= candidates - 1) return "head";
  if (index <= 0) return "full";
  return index / (candidates - 1) >= (frozenShare.partial + frozenShare.rear) / 2
    ? "rear"
    : "partial";
}

function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, value));
}
