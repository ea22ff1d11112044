import { ints } from "../../onnx/attributes.ts";
import type { Node } from "../../onnx/graph.ts";
import { elementCount } from "../../onnx/tensor.ts";
import { moveBlocks, upTo } from "./move-blocks.ts";
import { NCHWC, type Turned, type Values } from "./values.ts";

/** [C, 1, *kernel] to [C / block, *kernel, block]. */
export function depthwiseWeight(values: Values, w: string, dims: readonly number[]): string {
  const [channels = 1, , ...kernel] = dims;
  const filled = values.filled(channels);
  const whole = values.fill(values.plain(w), dims, 0, filled);
  return blockOuter(values, whole, [filled, 1, ...kernel]);
}

/** [O, I, *kernel] to [O / block, I / block, *kernel, block of I, block of O]; a stem's I stays. */
export function denseWeight(
  values: Values,
  w: string,
  dims: readonly number[],
  stem: boolean,
): string {
  const [features = 1, channels = 1, ...kernel] = dims;
  const turned = stem ? undefined : values.turned(w);
  if (turned !== undefined) {
    const from = [channels, features, ...kernel];
    return turnedWeight(values, turned.source, from, turned.taken);
  }
  const { block } = values;
  const [outer, inner] = [values.filled(features), stem ? channels : values.filled(channels)];
  const wide = values.fill(values.plain(w), dims, 1, inner);
  const whole = values.fill(wide, [features, inner, ...kernel], 0, outer);
  const blocked = blockOuter(values, whole, [outer, inner, ...kernel]);
  const size = elementCount(kernel);
  if (stem || size === 1) return blocked;
  const apart = [outer / block, inner / block, block, size];
  const moved = moveBlocks(values, blocked, apart, [0, 1, 3, 2]);
  return values.reshape(moved, [outer, inner, ...kernel]);
}

/**
 * Weights [O, I, *kernel] for a convolution from O to I:
 * [I / block, O / block, *taken, block of O, block of I]. Once the blocks of I are the innermost
 * ones, only whole blocks have to change places.
 * @param dims I is a multiple of 4
 * @param taken the kernel's elements along each spatial axis, in order
 */
export function turnedWeight(
  values: Values,
  w: string,
  dims: readonly number[],
  taken: Turned["taken"],
): string {
  const { block, build } = values;
  const [outer = 1, inner = 1, ...kernel] = dims;
  const [filledOuter, filledInner] = [values.filled(outer), values.filled(inner)];
  const size = elementCount(kernel);
  const blocked =
    size === 1 && inner === filledInner
      ? values.plain(w)
      : values.once(`reordered ${w}`, () =>
          build.add("ReorderInput", [values.plain(w)], {}, NCHWC),
        );
  const whole = values.fill(blocked, [outer, filledInner, ...kernel], 0, filledOuter);
  const apart = [filledOuter / block, block, filledInner / block, size];
  const [rows = [], columns = []] = taken;
  const taps = rows.flatMap((row) => columns.map((column) => row * (kernel[1] ?? 1) + column));
  const moved = moveBlocks(values, whole, apart, [2, 0, 3, 1], taps);
  return values.reshape(moved, [filledInner, filledOuter, rows.length, columns.length]);
}

/** Weights whose output and input channels change places are not written before they are read. */
export function turn(values: Values, node: Node): boolean {
  const [w = ""] = node.inputs;
  const dims = values.dims(w);
  if (dims?.length !== 4 || ints(node, "perm", []).join() !== "1,0,2,3") return false;
  if ((dims[1] ?? 1) % 4 !== 0 || values.isBlocked(w)) return false;
  const taken = dims.slice(2).map(upTo);
  values.setTurned(node, { source: w, taken });
  return true;
}

/** The same, of weights turned already, where their kernels are mirrored. */
export const Slice = (values: Values, node: Node): boolean => {
  const [w = "", ...rest] = node.inputs;
  const [starts, ends, axes, steps] = rest.map((value) => values.ints(value));
  const [turned, dims] = [values.turned(w), values.dims(w)];
  if (turned === undefined || dims === undefined || axes === undefined) return false;
  const mirrors = axes.every(
    (axis, at) =>
      axis >= 2 &&
      [starts?.[at], ends?.[at], steps?.[at]].join() === [-1, -(dims[axis] ?? 1) - 1, -1].join(),
  );
  if (!mirrors) return false;
  const taken = turned.taken.map((along, at) =>
    axes.includes(at + 2) ? along.toReversed() : along,
  );
  values.setTurned(node, { ...turned, taken });
  return true;
};

/** [O, ...rest] to [O / block, ...rest, block], under the old dimensions. */
function blockOuter(values: Values, w: string, dims: readonly number[]): string {
  const [outer = 1, ...rest] = dims;
  const picture = values.reshape(w, [1, outer, elementCount(rest), 1]);
  return values.reshape(values.build.add("ReorderInput", [picture], {}, NCHWC), dims);
}
