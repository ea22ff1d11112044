import { elementCount } from "../../onnx/tensor.ts";
import type { Values } from "./values.ts";

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
  const { build, block } = values;
  const [features = 1, channels = 1, ...kernel] = dims;
  const [outer, inner] = [values.filled(features), stem ? channels : values.filled(channels)];
  const wide = values.fill(values.plain(w), dims, 1, inner);
  const whole = values.fill(wide, [features, inner, ...kernel], 0, outer);
  const blocked = blockOuter(values, whole, [outer, inner, ...kernel]);
  const size = elementCount(kernel);
  if (stem || size === 1) return blocked;
  const apart = values.reshape(blocked, [(outer * inner) / block / block, block, size, block]);
  const turned = build.add("Transpose", [apart], { perm: [0, 2, 1, 3] });
  return values.reshape(turned, [outer, inner, ...kernel]);
}

/** [O, ...rest] to [O / block, ...rest, block], under the old dimensions. */
function blockOuter(values: Values, w: string, dims: readonly number[]): string {
  const [outer = 1, ...rest] = dims;
  const groups = [outer / values.block, values.block, elementCount(rest)];
  const turned = values.build.add("Transpose", [values.reshape(w, groups)], { perm: [0, 2, 1] });
  return values.reshape(turned, dims);
}
