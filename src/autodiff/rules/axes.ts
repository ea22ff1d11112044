import type { GraphBuilder } from "../../onnx/build.ts";
import { ThawError } from "../../errors.ts";
import type { RuleContext } from "../rule.ts";

/** A non-negative axis from one that may count from the end. */
export function positive(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

/** Number of elements of a slice of dimensions, 1 when it is empty. */
export function product(dims: readonly number[]): number {
  return dims.reduce((total, dim) => total * dim, 1);
}

/** `dims` with the entry at `axis` replaced. */
export function withDim(dims: readonly number[], axis: number, dim: number): number[] {
  return dims.map((old, index) => (index === axis ? dim : old));
}

/**
 * The integers of an input that must be known when the backward graph is written; undefined
 * when the input is omitted.
 * @throws ThawError `autodiff/dynamic-input` when the network computes it while running
 */
export function integers(context: RuleContext, input: number): number[] | undefined {
  const { node } = context;
  const name = node.inputs[input];
  if (name === undefined || name === "") return undefined;
  const tensor = context.constant(name);
  if (tensor === undefined) {
    throw new ThawError({
      code: "autodiff/dynamic-input",
      what: `${node.op} takes its input ${input} from a value that is computed while the network runs, so its gradient cannot be written down`,
      where: node.name,
      next: "Export the network with a fixed input size, or train only layers after this one.",
      details: { op: node.op, node: node.name, input: name },
    });
  }
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

/**
 * Pulls a gradient back through a linear map along one axis: `gradient` has `dims` with
 * `dims[axis] = out`, `matrix` is the map [out, in], and the result has `in` in that place.
 */
export function contract(
  build: GraphBuilder,
  gradient: string,
  dims: readonly number[],
  axis: number,
  matrix: string,
  size: number,
): string {
  const after = product(dims.slice(axis + 1));
  if (after === 1 && axis === dims.length - 1) return build.add("MatMul", [gradient, matrix]);
  const flat = reshape(build, gradient, [product(dims.slice(0, axis)), dims[axis] ?? 1, after]);
  const transposed = build.add("Transpose", [matrix], { perm: [1, 0] });
  const mapped = build.add("MatMul", [transposed, flat]);
  return reshape(build, mapped, withDim(dims, axis, size));
}
