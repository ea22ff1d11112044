import { int, ints, string } from "../../onnx/attributes.ts";
import type { Node } from "../../onnx/graph.ts";
import { elementCount, float32 } from "../../onnx/tensor.ts";
import { rankedNumber } from "../ranked.ts";
import type { Rule } from "../rule.ts";
import { pad, reshape, zeros } from "./axes.ts";
import { covered, span, transposedAttributes, type Window, windowOf } from "./window.ts";

export const GlobalAveragePool: Rule = ({ node, build, gradients, dims }) => [
  () => {
    const input = dims(node.inputs[0] ?? "");
    const share = rankedNumber(build, 1 / elementCount(input.slice(2)), input.length);
    return build.add("Expand", [build.add("Mul", [gradients[0] ?? "", share]), build.ints(input)]);
  },
];

export const AveragePool: Rule = ({ node, build, gradients, dims }) => [
  () => {
    const input = dims(node.inputs[0] ?? "");
    const output = dims(node.outputs[0] ?? "");
    const dy = gradients[0] ?? "";
    const { window, before, after } = reached(node, poolingWindow(node, input, output));
    const within = [...input.slice(0, 2), ...window.input];
    const whole = (gradient: string) =>
      pad(build, reshape(build, gradient, within), [0, 0, ...before, 0, 0, ...after]);
    const planes = elementCount(input.slice(0, 2));
    const size = elementCount(window.kernel);
    if (tiles(window)) {
      const shared = build.add("Mul", [dy, build.scalar(1 / size)]);
      const apart = window.output.flatMap((count) => [count, 1]);
      const spread = window.output.flatMap((count, axis) => [count, window.kernel[axis] ?? 1]);
      const lifted = reshape(build, shared, [planes, ...apart]);
      return whole(build.add("Expand", [lifted, build.ints([planes, ...spread])]));
    }
    const averaged = build.add("Div", [
      reshape(build, dy, [planes, 1, ...window.output]),
      build.constant(divisors(window, int(node, "count_include_pad", 0) !== 0), "divisors"),
    ]);
    const ones = build.constant(
      float32(new Float32Array(size).fill(1), [1, 1, ...window.kernel]),
      "window",
    );
    return whole(build.add("ConvTranspose", [averaged, ones], transposedAttributes(window)));
  },
];

/** Needs the node's second output, the index in the flat input that each maximum came from. */
export const MaxPool: Rule = ({ node, build, gradients, dims }) => [
  () => {
    const input = dims(node.inputs[0] ?? "");
    const window = poolingWindow(node, input, dims(node.outputs[0] ?? ""));
    const overlapping = window.strides.some((stride, axis) => span(window, axis) > stride);
    const scattered = build.add(
      "ScatterElements",
      [
        zeros(build, [elementCount(input)]),
        reshape(build, node.outputs[1] ?? "", [-1]),
        reshape(build, gradients[0] ?? "", [-1]),
      ],
      { axis: 0, reduction: overlapping ? "add" : "none" },
    );
    return reshape(build, scattered, input);
  },
];

function poolingWindow(node: Node, input: readonly number[], output: readonly number[]): Window {
  return windowOf(node, input.slice(2), output.slice(2), ints(node, "kernel_shape", []));
}

/**
 * The part of the input that windows reach, and how many elements they leave out around it. Where
 * strides are longer than windows, ONNX Runtime pads by less than nothing under auto_pad SAME and
 * so starts inside the input, which ONNX does not say.
 */
function reached(node: Node, window: Window) {
  const autoPad = string(node, "auto_pad", "NOTSET");
  const rest = window.input.map((size, axis) =>
    autoPad.startsWith("SAME") ? Math.max(0, size - covered(window, axis)) : 0,
  );
  const before = rest.map((size) =>
    Math.floor((autoPad === "SAME_UPPER" ? size : Math.max(0, size - 1)) / 2),
  );
  return {
    window: { ...window, input: window.input.map((size, axis) => size - (rest[axis] ?? 0)) },
    before,
    after: rest.map((size, axis) => size - (before[axis] ?? 0)),
  };
}

/** Whether the windows lie side by side and cover the input exactly. */
function tiles(window: Window): boolean {
  return window.kernel.every(
    (size, axis) =>
      window.strides[axis] === size &&
      window.dilations[axis] === 1 &&
      window.begin[axis] === 0 &&
      window.end[axis] === 0 &&
      covered(window, axis) === window.input[axis],
  );
}

/** How many elements each window averages over; [1, 1, *output]. */
function divisors(window: Window, includePads: boolean) {
  const counts = window.kernel.map((size, axis) => {
    const [begin, end] = [window.begin[axis] ?? 0, window.end[axis] ?? 0];
    const from = includePads ? -begin : 0;
    const to = (window.input[axis] ?? 1) + (includePads ? end : 0);
    return Array.from({ length: window.output[axis] ?? 1 }, (_, place) => {
      const start = place * (window.strides[axis] ?? 1) - begin;
      const positions = Array.from(
        { length: size },
        (_, step) => start + step * (window.dilations[axis] ?? 1),
      );
      return positions.filter((position) => position >= from && position < to).length;
    });
  });
  const products = counts.reduce<number[]>(
    (found, axis) => found.flatMap((product) => axis.map((count) => product * count)),
    [1],
  );
  return float32(products, [1, 1, ...window.output]);
}
