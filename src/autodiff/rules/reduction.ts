import { int } from "../../onnx/attributes.ts";
import type { GraphBuilder } from "../../onnx/build.ts";
import { elementCount } from "../../onnx/tensor.ts";
import { sumOver } from "../broadcast.ts";
import type { Rule } from "../rule.ts";
import { integers, positive, reshape } from "./axes.ts";
import { step } from "./pointwise.ts";

interface Reduction {
  readonly build: GraphBuilder;
  /** The tensor reduced, of dimensions `from`. */
  readonly x: string;
  /** The result and its gradient, with the reduced axes kept as ones. */
  readonly y: () => string;
  readonly dy: string;
  readonly from: readonly number[];
  readonly axes: readonly number[];
}

/** The rule of a reduction; `backward` writes a gradient that broadcasts to the input. */
function reduction(backward: (names: Reduction) => string, spread: boolean): Rule {
  return (context) => {
    const { node, build, dims } = context;
    const [[x], [y], [dy]] = [node.inputs, node.outputs, context.gradients];
    if (x === undefined || y === undefined || dy === undefined) return [];
    return [
      () => {
        const from = dims(x);
        const given = integers(context, 1) ?? [];
        const none = given.length === 0;
        if (none && int(node, "noop_with_empty_axes", 0) === 1) {
          return backward({ build, x, y: () => y, dy, from, axes: [] });
        }
        const axes = none
          ? from.map((_, axis) => axis)
          : given.map((a) => positive(a, from.length));
        const kept = from.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
        const keep = (value: string) =>
          int(node, "keepdims", 1) === 1 ? value : reshape(build, value, kept);
        const gradient = backward({ build, x, y: () => keep(y), dy: keep(dy), from, axes });
        return spread ? build.add("Expand", [gradient, build.ints(from)]) : gradient;
      },
    ];
  };
}

export const ReduceSum = reduction(({ dy }) => dy, true);

export const ReduceMean = reduction(({ build, dy, from, axes }) => {
  const count = elementCount(axes.map((axis) => from[axis] ?? 1));
  return count === 1 ? dy : build.add("Mul", [dy, build.scalar(1 / count)]);
}, true);

/** Ties share the gradient evenly, as PyTorch's amax does. */
export const ReduceMax = reduction((names) => extremum(names, 1), false);

/** Ties share the gradient evenly, as PyTorch's amin does. */
export const ReduceMin = reduction((names) => extremum(names, -1), false);

function extremum({ build, x, y, dy, axes }: Reduction, sign: 1 | -1): string {
  const chosen = step(build, build.add("Sub", [x, y()]), { sign, tie: 1 });
  const count = sumOver(build, chosen, axes, true);
  return build.add("Mul", [chosen, build.add("Div", [dy, count])]);
}

export const ReduceL1 = reduction(
  ({ build, x, dy }) => build.add("Mul", [build.add("Sign", [x]), dy]),
  false,
);

/** The gradient at a norm of 0 is 0, as in PyTorch: x is 0 there and only needs a finite factor. */
export const ReduceL2 = reduction(({ build, x, y, dy }) => {
  const norm = build.add("Max", [y(), build.scalar(1e-23)]);
  return build.add("Mul", [x, build.add("Div", [dy, norm])]);
}, false);

export const ReduceSumSquare = reduction(
  ({ build, x, dy }) => build.add("Mul", [x, build.add("Add", [dy, dy])]),
  false,
);

export const ReduceLogSumExp = reduction(
  ({ build, x, y, dy }) => build.add("Mul", [build.add("Exp", [build.add("Sub", [x, y()])]), dy]),
  false,
);
