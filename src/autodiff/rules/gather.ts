import { int, string } from "../../onnx/attributes.ts";
import type { GraphBuilder } from "../../onnx/build.ts";
import { elementCount } from "../../onnx/tensor.ts";
import type { Rule, RuleContext } from "../rule.ts";
import { pad, positive, reshape, withDim, zeros } from "./axes.ts";
import { single } from "./pointwise.ts";
import { refuseAttribute } from "./refuse.ts";

/** Neighbouring indices known beforehand are a slice, whose gradient is a Pad; others scatter. */
export const Gather: Rule = (context) => {
  const { node, build, gradients, dims } = context;
  const [[x, indices], [dy]] = [node.inputs, gradients];
  if (x === undefined || indices === undefined || dy === undefined) return [];
  return [
    () => {
      const from = dims(x);
      const axis = positive(int(node, "axis", 0), from.length);
      const size = from[axis] ?? 1;
      const count = elementCount(dims(indices));
      const gradient = reshape(build, dy, withDim(from, axis, count));
      const run = consecutive(context, indices, size);
      if (run !== undefined) {
        const before = from.map((_, each) => (each === axis ? run : 0));
        const after = from.map((_, each) => (each === axis ? size - run - count : 0));
        return pad(build, gradient, [...before, ...after]);
      }
      const rows = reshape(
        build,
        indices,
        withDim(
          from.map(() => 1),
          axis,
          count,
        ),
      );
      const spread = build.add("Expand", [rows, build.ints(withDim(from, axis, count))]);
      return scatter(build, from, spread, gradient, axis);
    },
  ];
};

/** The first of indices that follow one another, or undefined where they do not. */
function consecutive(context: RuleContext, indices: string, size: number): number | undefined {
  const values = context.constant(indices)?.data;
  if (values === undefined) return undefined;
  const list = Array.from(values, Number).map((value) => positive(value, size));
  const [first] = list;
  return list.every((value, offset) => value === (first ?? 0) + offset) ? first : undefined;
}

export const GatherElements = single(({ build, node, x, dy, context }) => {
  const [, indices = ""] = node.inputs;
  return scatter(build, context.dims(x), indices, dy, int(node, "axis", 0));
});

function scatter(
  build: GraphBuilder,
  dims: readonly number[],
  indices: string,
  updates: string,
  axis: number,
): string {
  const inputs = [zeros(build, dims), indices, updates];
  return build.add("ScatterElements", inputs, { axis, reduction: "add" });
}

/** @throws ThawError `autodiff/unsupported-attribute` for batch dimensions */
export const GatherND = single(({ build, node, x, dy, context }) => {
  const [, indices = ""] = node.inputs;
  const batched = int(node, "batch_dims", 0);
  if (batched !== 0) refuseAttribute(node, "batch_dims", batched);
  return build.add("ScatterND", [zeros(build, context.dims(x)), indices, dy], { reduction: "add" });
});

export const ScatterElements = scattering("GatherElements");

export const ScatterND = scattering("GatherND");

/**
 * The rule of an operator that writes updates into a copy of its data: what was written over gets
 * no gradient. Where two updates meet the outcome is undefined by ONNX, and so is the gradient.
 * @throws ThawError `autodiff/unsupported-attribute` for reductions other than none and add
 */
function scattering(gather: "GatherElements" | "GatherND"): Rule {
  return ({ node, build, gradients: [dy], dims }) => {
    const [, indices = "", updates = ""] = node.inputs;
    const reduction = string(node, "reduction", "none");
    if (reduction !== "none" && reduction !== "add") refuseAttribute(node, "reduction", reduction);
    if (dy === undefined) return [];
    const attributes: Record<string, number> =
      gather === "GatherElements" ? { axis: int(node, "axis", 0) } : {};
    return [
      () =>
        reduction === "add"
          ? dy
          : build.add(node.op, [dy, indices, zeros(build, dims(updates))], attributes),
      undefined,
      () => build.add(gather, [dy, indices], attributes),
    ];
  };
}
