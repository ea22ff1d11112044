import type { GraphBuilder } from "../onnx/build.ts";

/**
 * Undoes multidirectional broadcasting: sums a gradient of dimensions `from` over the axes along
 * which a tensor of dimensions `to` was repeated, and returns the name of a value of dimensions
 * `to`. Writes nothing when the two are equal.
 */
export function sumTo(
  build: GraphBuilder,
  gradient: string,
  from: readonly number[],
  to: readonly number[],
): string {
  const added = from.length - to.length;
  const axes = from.flatMap((dim, axis) => {
    const target = axis < added ? 1 : to[axis - added];
    return target === 1 && (axis < added || dim !== 1) ? [axis] : [];
  });
  if (axes.length === 0) return gradient;
  const summed = sumOver(build, gradient, axes, true);
  return added === 0 ? summed : build.add("Reshape", [summed, build.ints(to)]);
}

/**
 * Sums over several axes. One ReduceSum for each run of neighbouring axes, innermost first:
 * ONNX Runtime reduces scattered axes such as N, H, W of NCHW at half the speed.
 */
export function sumOver(
  build: GraphBuilder,
  value: string,
  axes: readonly number[],
  keepDims: boolean,
): string {
  const runs: number[][] = [];
  for (const axis of [...axes].sort((a, b) => b - a)) {
    const run = runs.at(-1);
    if (run?.at(-1) === axis + 1) run.push(axis);
    else runs.push([axis]);
  }
  return runs.reduce(
    (sum, run) => build.add("ReduceSum", [sum, build.ints(run)], { keepdims: keepDims ? 1 : 0 }),
    value,
  );
}
