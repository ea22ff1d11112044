import { ints, string } from "../../onnx/attributes.ts";
import { float32 } from "../../onnx/tensor.ts";
import type { RuleContext } from "../rule.ts";
import { contract, identityMatrix, positive, reshape, withDim } from "./axes.ts";
import { single } from "./pointwise.ts";
import { refuseAttribute } from "./refuse.ts";

/**
 * Every interpolation of Resize is linear and separable, so the gradient is a contraction with
 * one interpolation matrix an axis. The matrix is the operator's own answer to an identity
 * matrix, so that all modes and coordinate transformations agree with the runtime to the bit.
 * @throws ThawError `autodiff/unsupported-attribute` for cropping, for kept aspect ratios and for
 * a scale too near 1 to change its axis (the runtime then interpolates or not as other axes do)
 */
export const Resize = single(({ build, node, x, y, dy, context }) => {
  for (const [name, value] of unsupported) {
    if (string(node, name, "") === value) refuseAttribute(node, name, value);
  }
  const scales = scalesOf(context);
  let gradient = dy;
  let dims = context.dims(y);
  for (const [axis, size] of context.dims(x).entries()) {
    const resized = dims[axis] ?? size;
    if (resized === size) {
      const scale = scales?.known(axis);
      if (scale !== undefined && scale !== 1) refuseAttribute(node, "scales", scale);
      continue;
    }
    const target = scales?.own(axis) ?? { sizes: build.ints([1, 1, resized, size]) };
    const matrix = interpolation(context, size, resized, target);
    gradient = contract(build, gradient, dims, axis, matrix, size);
    dims = withDim(dims, axis, size);
  }
  return gradient;
});

const unsupported = [
  ["coordinate_transformation_mode", "tf_crop_and_resize"],
  ["keep_aspect_ratio_policy", "not_larger"],
  ["keep_aspect_ratio_policy", "not_smaller"],
] as const;

type Target = { readonly scales: string } | { readonly sizes: string };

/** The matrix [resized, size] of the interpolation along one axis. */
function interpolation(
  { build, node }: RuleContext,
  size: number,
  resized: number,
  target: Target,
): string {
  const { axes: _, ...attributes } = node.attributes;
  const inputs = "scales" in target ? [target.scales] : ["", target.sizes];
  const identity = identityMatrix(build, size, [1, 1]);
  const rows = build.add("Resize", [identity, "", ...inputs], attributes);
  return reshape(build, rows, [resized, size]);
}

/** What the scales input says of each axis; undefined where the node goes by sizes. */
function scalesOf({ build, node, dims, constant }: RuleContext) {
  const [x = "", , scales = ""] = node.inputs;
  if (scales === "" || dims(scales)[0] === 0) return undefined;
  const axes = ints(node, "axes", undefined)?.map((axis) => positive(axis, dims(x).length));
  const place = (axis: number) => (axes === undefined ? axis : axes.indexOf(axis));
  const ones = (count: number) => build.constant(float32(Array(count).fill(1), [count]));
  return {
    known: (axis: number) => {
      const scale = constant(scales)?.data[place(axis)];
      return scale === undefined ? undefined : Number(scale);
    },
    own: (axis: number): Target => {
      const bounds = [place(axis), place(axis) + 1].map((bound) => build.ints([bound]));
      const own = build.add("Slice", [scales, ...bounds]);
      return { scales: build.add("Concat", [ones(2), own, ones(1)], { axis: 0 }) };
    },
  };
}
