import type { GraphBuilder } from "../onnx/build.ts";
import { float32 } from "../onnx/tensor.ts";

/**
 * A number of as many dimensions as what it is combined with: ONNX Runtime takes 80 times as long
 * for a scalar and a tensor whose last dimensions are 1, as those of 1x1 convolutions are.
 */
export function rankedNumber(build: GraphBuilder, value: number, rank: number): string {
  return build.constant(float32([value], Array(rank).fill(1)));
}

/** The same for a scalar that is computed; each rank is written once. */
export function ranked(build: GraphBuilder, value: string): (rank: number) => string {
  const written = new Map<number, string>();
  return (rank) => {
    const known = written.get(rank);
    if (known !== undefined) return known;
    const shaped = build.add("Reshape", [value, build.ints(Array(rank).fill(1))]);
    written.set(rank, shaped);
    return shaped;
  };
}
