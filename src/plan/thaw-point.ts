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
 * third, or from the depth curve's peak where the features get no better behind it; where nothing
 * lies between input and classifier they thaw everything.
 */
export function thawIndex(
  strategy: Strategy,
  candidates: number,
  curve: DepthCurve | undefined,
): number {
  const last = candidates - 1;
  if (strategy === "head") return last;
  if (strategy === "full" || last < 2) return 0;
  const usual = Math.round(frozenShare[strategy] * last);
  return clamp(Math.min(usual, curve?.peak ?? usual), 1, last - 1);
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
