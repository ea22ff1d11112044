import { int, ints, string } from "../../onnx/attributes.ts";
import type { Node } from "../../onnx/graph.ts";
import { sumOver } from "../broadcast.ts";
import type { Rule, RuleContext } from "../rule.ts";
import { type Convolution, chooseConvFormulas } from "./convolution-formulas.ts";
import { inputGradient } from "./convolution-input.ts";
import { weightGradient } from "./convolution-weight.ts";
import { covered, type Window, windowOf } from "./window.ts";

export const Conv: Rule = (context) => {
  const { node, build, dims } = context;
  const { x, w, y, dy } = operands(context);
  const convolution = convolutionOf(node, dims(x), dims(w), dims(y));
  const formulas = chooseConvFormulas(convolution);
  return [
    () => inputGradient(build, convolution, formulas.input, dy, w),
    () => weightGradient(build, convolution, formulas.weight, x, dy),
    () => biasGradient(context, dy, dims(y).length),
  ];
};

/** The transpose of a convolution from y to x, so the two exchange their roles. */
export const ConvTranspose: Rule = (context) => {
  const { node, build, dims } = context;
  const { x, w, y, dy } = operands(context);
  const convolution = transposedConvolution(node, dims(x), dims(w), dims(y));
  const { group, kernel, strides, dilations, begin, end } = convolution;
  const formulas = chooseConvFormulas(convolution);
  return [
    () =>
      build.add("Conv", [dy, w], {
        group,
        kernel_shape: kernel,
        strides,
        dilations,
        pads: [...begin, ...end],
      }),
    () => weightGradient(build, convolution, formulas.weight, dy, x),
    () => biasGradient(context, dy, dims(y).length),
  ];
};

function operands({ node, gradients }: RuleContext) {
  const [x = "", w = ""] = node.inputs;
  return { x, w, y: node.outputs[0] ?? "", dy: gradients[0] ?? "" };
}

function biasGradient({ build }: RuleContext, dy: string, rank: number): string {
  const axes = Array.from({ length: rank }, (_, axis) => axis).filter((axis) => axis !== 1);
  return sumOver(build, dy, axes, false);
}

function convolutionOf(
  node: Node,
  x: readonly number[],
  w: readonly number[],
  y: readonly number[],
): Convolution {
  return {
    ...windowOf(node, x.slice(2), y.slice(2), w.slice(2)),
    batch: x[0] ?? 1,
    channels: x[1] ?? 1,
    features: y[1] ?? 1,
    group: int(node, "group", 1),
  };
}

/** The convolution from y to x that a ConvTranspose from x to y is the transpose of. */
function transposedConvolution(
  node: Node,
  x: readonly number[],
  w: readonly number[],
  y: readonly number[],
): Convolution {
  const explicit = windowOf(
    { ...node, attributes: { ...node.attributes, auto_pad: { kind: "string", value: "NOTSET" } } },
    y.slice(2),
    x.slice(2),
    w.slice(2),
  );
  return {
    ...explicit,
    ...transposedPads(node, explicit),
    batch: x[0] ?? 1,
    channels: y[1] ?? 1,
    features: x[1] ?? 1,
    group: int(node, "group", 1),
  };
}

/** Pads of a ConvTranspose: given, or what `auto_pad` and `output_shape` leave to be cropped. */
function transposedPads(node: Node, window: Window): Pick<Window, "begin" | "end"> {
  const autoPad = string(node, "auto_pad", "NOTSET");
  if (autoPad === "VALID")
    return { begin: window.kernel.map(() => 0), end: window.kernel.map(() => 0) };
  if (autoPad === "NOTSET" && node.attributes.output_shape === undefined) return window;
  const added = ints(node, "output_padding", []);
  const total = window.kernel.map((_, axis) =>
    Math.max(0, covered(window, axis) + (added[axis] ?? 0) - (window.input[axis] ?? 1)),
  );
  const smaller = total.map((pad) => Math.floor(pad / 2));
  const larger = total.map((pad) => Math.ceil(pad / 2));
  return autoPad === "SAME_UPPER"
    ? { begin: smaller, end: larger }
    : { begin: larger, end: smaller };
}
