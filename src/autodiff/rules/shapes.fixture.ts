import * as fc from "fast-check";
import { elementCount, float32, type Tensor } from "../../onnx/tensor.ts";
import { randomNumbers } from "../finite-differences.fixture.ts";

/** Dimensions of a small tensor. */
export function shapes(minRank = 1, maxRank = 4, maxDim = 3): fc.Arbitrary<number[]> {
  return fc.array(fc.integer({ min: 1, max: maxDim }), { minLength: minRank, maxLength: maxRank });
}

/** Dimensions of `count` tensors that broadcast against each other. */
export function broadcastShapes(count: number): fc.Arbitrary<number[][]> {
  return shapes().chain((full) => {
    const one = fc
      .tuple(fc.integer({ min: 0, max: full.length }), fc.array(fc.boolean(), { minLength: 4 }))
      .map(([drop, ones]) => full.slice(drop).map((dim, axis) => (ones[axis] ? 1 : dim)));
    return fc.tuple(...Array.from({ length: count }, () => one));
  });
}

export const seeds = fc.integer({ min: 1, max: 1_000_000 });

/** Checks a gradient property over a handful of random cases: each opens several sessions. */
export function check<T>(
  cases: fc.Arbitrary<T>,
  property: (value: T) => Promise<void>,
  numRuns = 6,
): Promise<void> {
  return fc.assert(fc.asyncProperty(cases, property), { numRuns });
}

/** A seeded float32 tensor whose numbers keep `margin` away from every kink. */
export function tensorAwayFrom(
  kinks: readonly number[],
  dims: readonly number[],
  seed: number,
  { low = -4, high = 4, margin = 0.15 } = {},
): Tensor<"float32"> {
  const next = randomNumbers(seed);
  const draw = () => {
    let value = next(low, high);
    while (kinks.some((kink) => Math.abs(value - kink) < margin)) value = next(low, high);
    return value;
  };
  return float32(Float32Array.from({ length: elementCount(dims) }, draw), dims);
}

/** An axis of these dimensions, counted from the front or from the end. */
export function axisOf(dims: readonly number[]): fc.Arbitrary<number> {
  return fc.integer({ min: -dims.length, max: dims.length - 1 });
}
