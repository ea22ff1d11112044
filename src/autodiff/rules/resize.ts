import { float32 } from "../../onnx/tensor.ts";
import { ints, string } from "../attributes.ts";
import type { RuleContext } from "../rule.ts";
import { contract, identityMatrix, positive, reshape, withDim } from "./axes.ts";
import { single } from "./pointwise.ts";
import { refuseAttribute } from "./refuse.ts";

/**
 * Every interpolation of Resize is linear and separable, so the gradient is a contraction with
 * one interpolation matrix an axis. The matrix is the operator's own answer to an identity
 * matrix, so that all modes and coordinate transformations agree with the runtime to the bit.
 * @throws ThawError `autodiff/unsupported-attribute` for cropping and for kept aspect ratios
 */
export const Resize = single(({ build, node, x, y, dy, context }) => {
  for (const [name, value] of unsupported) {
    if (string(node, name, "") === value) refuseAttribute(node, name, value);
  }
  let gradient = dy;
  let dims = context.dims(y);
  for (const [axis, size] of context.dims(x).entries()) {
    const resized = dims[axis] ?? size;
    if (resized === size) continue;
    gradient = contract(
      build,
      gradient,
      dims,
      axis,
      interpolation(context, axis, size, resized),
      size,
    );
    dims = withDim(dims, axis, size);
  }
  return gradient;
});

const unsupported = [
  ["coordinate_transformation_mode", "tf_crop_and_resize"],
  ["keep_aspect_ratio_policy", "not_larger"],
  ["keep_aspect_ratio_policy", "not_smaller"],
] as const;

/** The matrix [resized, size] of the interpolation along one axis. */
function interpolation(
  { build, node, dims }: RuleContext,
  axis: number,
  size: number,
  resized: number,
): string {
  const { axes: _, keep_aspect_ratio_policy: __, ...attributes } = node.attributes;
  const identity = identityMatrix(build, size, [1, 1]);
  const scales = node.inputs[2];
  const inputs =
    scales !== undefined && scales !== "" && dims(scales)[0] !== 0
      ? [identity, "", alongRows(scales)]
      : [identity, "", "", build.ints([1, 1, resized, size])];
  const rows = build.add("Resize", inputs, attributes);
  return reshape(build, rows, [resized, size]);

  function alongRows(all: string): string {
    const rank = dims(node.inputs[0] ?? "").length;
    const listed = ints(node, "axes", undefined)?.map((each) => positive(each, rank));
    const index = listed === undefined ? axis : listed.indexOf(axis);
    const own = build.add("Slice", [all, build.ints([index]), build.ints([index + 1])]);
    const ones = (count: number) => build.constant(float32(Array(count).fill(1), [count]));
    return build.add("Concat", [ones(2), own, ones(1)], { axis: 0 });
  }
}
