import type { GraphBuilder } from "../../onnx/build.ts";
import { elementCount, float32 } from "../../onnx/tensor.ts";
import type { RuleContext } from "../rule.ts";
import { refuseDynamic } from "./refuse.ts";

/** A non-negative axis or index from one that may count from the end of `size`. */
export function positive(index: number, size: number): number {
  return index < 0 ? index + size : index;
}

/** `dims` with the entry at `axis` replaced. */
export function withDim(dims: readonly number[], axis: number, dim: number): number[] {
  return dims.map((old, index) => (index === axis ? dim : old));
}

/**
 * The integers of an input that must be known while the backward graph is written; undefined
 * when the input is omitted.
 * @throws ThawError `autodiff/dynamic-input` when the network computes it while running
 */
export function integers({ node, constant }: RuleContext, input: number): number[] | undefined {
  const name = node.inputs[input];
  if (name === undefined || name === "") return undefined;
  const tensor = constant(name) ?? refuseDynamic(node, name);
  return Array.from(tensor.data, Number);
}

/** A float32 tensor of zeros. */
export function zeros(build: GraphBuilder, dims: readonly number[]): string {
  return build.add("ConstantOfShape", [build.ints(dims)]);
}

/** The same elements with other dimensions. */
export function reshape(build: GraphBuilder, value: string, dims: readonly number[]): string {
  return build.add("Reshape", [value, build.ints(dims)]);
}

/** Pads with zeros; a negative amount crops. */
export function pad(build: GraphBuilder, value: string, amounts: readonly number[]): string {
  return amounts.every((amount) => amount === 0)
    ? value
    : build.add("Pad", [value, build.ints(amounts)]);
}

/** A constant identity matrix of dimensions `leading`, `size`, `size`. */
export function identityMatrix(
  build: GraphBuilder,
  size: number,
  leading: readonly 1[] = [],
): string {
  const data = new Float32Array(size * size);
  for (let index = 0; index < size; index++) data[index * size + index] = 1;
  return build.constant(float32(data, [...leading, size, size]), "identity");
}

/**
 * Pulls a gradient back through a linear map along one axis: `gradient` has `dims`, `matrix` is
 * the map [dims[axis], size], and the result has `size` in that place.
 */
export function contract(
  build: GraphBuilder,
  gradient: string,
  dims: readonly number[],
  axis: number,
  matrix: string,
  size: number,
): string {
  if (axis === dims.length - 1) return build.add("MatMul", [gradient, matrix]);
  const outer = elementCount(dims.slice(0, axis));
  const inner = elementCount(dims.slice(axis + 1));
  const flat = reshape(build, gradient, [outer, dims[axis] ?? 1, inner]);
  const transposed = build.add("Transpose", [matrix], { perm: [1, 0] });
  return reshape(build, build.add("MatMul", [transposed, flat]), withDim(dims, axis, size));
}
