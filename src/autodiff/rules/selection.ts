import { int, string } from "../../onnx/attributes.ts";
import type { GraphBuilder } from "../../onnx/build.ts";
import { elementCount } from "../../onnx/tensor.ts";
import type { Rule } from "../rule.ts";
import {
  contract,
  identityMatrix,
  integers,
  pad,
  positive,
  reshape,
  withDim,
  zeros,
} from "./axes.ts";
import { type Pointwise, single } from "./pointwise.ts";

export const Concat: Rule = ({ node, build, gradients: [dy], dims }) => {
  if (dy === undefined) return [];
  let offset = 0;
  return node.inputs.map((input) => {
    const own = dims(input);
    const axis = positive(int(node, "axis", 0), own.length);
    const start = offset;
    offset += own[axis] ?? 1;
    const end = offset;
    return () =>
      build.add("Slice", [dy, ...[start, end, axis].map((value) => build.ints([value]))]);
  });
};

export const Split: Rule = ({ node, build, gradients, dims }) => [
  () => {
    const parts = node.outputs.map((y, index) => gradients[index] ?? zeros(build, dims(y)));
    return parts.length === 1
      ? (parts[0] ?? "")
      : build.add("Concat", parts, { axis: int(node, "axis", 0) });
  },
];

/** Puts each axis back in turn: reverse it if it ran backwards, spread it, pad it. */
export const Slice = single(({ build, x, y, dy, context }) => {
  const from = context.dims(x);
  const starts = integers(context, 1) ?? [];
  const axes = integers(context, 3) ?? starts.map((_, axis) => axis);
  const steps = integers(context, 4) ?? starts.map(() => 1);
  const before = from.map(() => 0);
  const after = from.map(() => 0);
  let dims = context.dims(y);
  let gradient = dy;
  axes.forEach((given, index) => {
    const axis = positive(given, from.length);
    const [size, count, stride] = [from[axis] ?? 1, dims[axis] ?? 1, steps[index] ?? 1];
    const first = firstIndex(starts[index] ?? 0, size, stride);
    const spread = stride < 0 ? -stride : stride;
    if (stride < 0) gradient = reverse(build, gradient, axis);
    if (spread > 1) {
      gradient = insertZeros(build, gradient, dims, axis, spread);
      dims = withDim(dims, axis, count * spread);
    }
    before[axis] = stride < 0 ? first + (count - 1) * stride : first;
    after[axis] = size - (before[axis] ?? 0) - count * spread;
  });
  return pad(build, gradient, [...before, ...after]);
});

function firstIndex(start: number, size: number, stride: number): number {
  return Math.min(Math.max(positive(start, size), 0), stride < 0 ? size - 1 : size);
}

function reverse(build: GraphBuilder, value: string, axis: number): string {
  // Past every axis: ONNX clamps it to the element before the first.
  const end = -(2 ** 31);
  return build.add("Slice", [value, ...[-1, end, axis, -1].map((each) => build.ints([each]))]);
}

/** Puts `stride - 1` zeros behind every element of an axis. */
function insertZeros(
  build: GraphBuilder,
  value: string,
  dims: readonly number[],
  axis: number,
  stride: number,
): string {
  const [outer, own, inner] = [dims.slice(0, axis), dims[axis] ?? 1, dims.slice(axis + 1)];
  const apart = reshape(build, value, [elementCount(outer) * own, 1, elementCount(inner)]);
  const padded = pad(build, apart, [0, 0, 0, 0, stride - 1, 0]);
  return reshape(build, padded, withDim(dims, axis, own * stride));
}

/**
 * Constant padding is undone by the opposite padding. The other modes repeat elements along an
 * axis, a linear map whose matrix is the operator's own answer to an identity matrix.
 */
export const Pad = single((names) =>
  string(names.node, "mode", "constant") === "constant" ? unpad(names) : unrepeat(names),
);

function unpad({ build, node, dy, context }: Pointwise): string {
  const [, pads = "", , axes = ""] = node.inputs;
  if (context.constant(pads)?.data.every((amount) => Number(amount) === 0)) return dy;
  const inputs = [dy, build.add("Neg", [pads])];
  return build.add("Pad", axes === "" ? inputs : [...inputs, "", axes]);
}

function unrepeat({ build, node, x, y, dy, context }: Pointwise): string {
  const from = context.dims(x);
  const amounts = integers(context, 1) ?? [];
  const axes = integers(context, 3) ?? from.map((_, axis) => axis);
  const mode = string(node, "mode", "constant");
  let dims = context.dims(y);
  let gradient = dy;
  axes.forEach((given, index) => {
    const axis = positive(given, from.length);
    const [before = 0, after = 0] = [amounts[index], amounts[index + axes.length]];
    if (before === 0 && after === 0) return;
    const size = from[axis] ?? 1;
    const square = identityMatrix(build, size);
    const matrix = build.add("Pad", [square, build.ints([before, 0, after, 0])], { mode });
    gradient = contract(build, gradient, dims, axis, matrix, size);
    dims = withDim(dims, axis, size);
  });
  return gradient;
}

export const CumSum = single(({ build, node, dy }) => {
  const [, axis = ""] = node.inputs;
  const attributes = { exclusive: int(node, "exclusive", 0), reverse: 1 - int(node, "reverse", 0) };
  return build.add("CumSum", [dy, axis], attributes);
});
