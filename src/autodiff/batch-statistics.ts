import { float, real } from "../onnx/attributes.ts";
import type { GraphBuilder } from "../onnx/build.ts";
import type { Node } from "../onnx/graph.ts";
import { elementCount, float32 } from "../onnx/tensor.ts";
import type { Rule, RuleContext } from "./rule.ts";

/**
 * BatchNormalization in training mode, as the training graph holds it between lowering and
 * writing. It takes x less the running mean, so that sums of squares lose nothing to a large mean;
 * beside ONNX's own inputs `rows` [1, N], 1 for each row that counts and 0 for padding; and it puts
 * out what the backward pass needs.
 */
export interface BatchStatisticsNode {
  readonly x: string;
  readonly scale: string;
  readonly bias: string;
  readonly runningMean: string;
  readonly runningVariance: string;
  readonly rows: string;
  readonly y: string;
  readonly nextMean: string;
  readonly nextVariance: string;
  /** Batch mean of x as it is given, [C]. */
  readonly mean: string;
  /** 1 / sqrt(batch variance + epsilon), [C]. */
  readonly inverse: string;
}

/**
 * The inference-mode node in training mode, with the names of what training adds to it.
 * @param x what the node reads, less the running mean
 */
export function inTrainingMode(
  node: Node,
  x: string,
  added: Pick<BatchStatisticsNode, "rows" | "nextMean" | "nextVariance" | "mean" | "inverse">,
): Node {
  const y = node.outputs[0] ?? "";
  return {
    ...node,
    inputs: [x, ...node.inputs.slice(1, 5), added.rows],
    outputs: [y, added.nextMean, added.nextVariance, added.mean, added.inverse],
    attributes: { ...node.attributes, training_mode: { kind: "int", value: 1 } },
  };
}

function named({ inputs, outputs }: Node): BatchStatisticsNode {
  const [x = "", scale = "", bias = "", runningMean = "", runningVariance = "", rows = ""] = inputs;
  const [y = "", nextMean = "", nextVariance = "", mean = "", inverse = ""] = outputs;
  return {
    ...{ x, scale, bias, runningMean, runningVariance, rows },
    ...{ y, nextMean, nextVariance, mean, inverse },
  };
}

/**
 * Writes the node as primitives, as PyTorch computes it: normalised by the biased variance of the
 * rows that count, running variance moved towards the unbiased one, ONNX's momentum m being
 * PyTorch's 1 - m: running = running * m + batch * (1 - m).
 */
export function writeBatchStatistics(
  build: GraphBuilder,
  node: Node,
  dims: (value: string) => readonly number[],
): void {
  const names = named(node);
  const shape = dims(names.x);
  const { channels, positions } = layout(shape);
  const into = (output: string) => ({ output });
  const epsilon = float(node, "epsilon", 1e-5);

  const count = rowCount(build, names.rows, positions);
  const average = (sums: string, output: string) => {
    const summed = build.add("MatMul", [names.rows, sums]);
    const mean = build.add("Div", [summed, count]);
    return build.add("Reshape", [mean, build.ints([channels])], {}, into(output));
  };
  const mean = average(sumPositions(build, names.x, shape), names.mean);
  const square = average(dotPositions(build, names.x, names.x, shape), build.fresh("square"));
  const spread = build.add("Sub", [square, build.add("Mul", [mean, mean])]);
  const variance = build.add("Max", [spread, build.scalar(0)]);
  const deviation = build.add("Sqrt", [build.add("Add", [variance, build.scalar(epsilon)])]);
  build.add("Reciprocal", [deviation], {}, into(names.inverse));
  build.add(
    "BatchNormalization",
    [names.x, names.scale, names.bias, mean, variance],
    { epsilon: real(epsilon) },
    into(names.y),
  );

  const momentum = float(node, "momentum", 0.9);
  const moved = build.add("Mul", [mean, build.scalar(1 - momentum)]);
  build.add("Add", [names.runningMean, moved], {}, into(names.nextMean));
  const one = build.scalar(1);
  const free = build.add("Max", [build.add("Sub", [count, one]), one]);
  const unbiased = build.add("Mul", [variance, build.add("Div", [count, free])]);
  const kept = build.add("Mul", [names.runningVariance, build.scalar(momentum)]);
  const gained = build.add("Mul", [unbiased, build.scalar(1 - momentum)]);
  build.add("Add", [kept, gained], {}, into(names.nextVariance));
}

/**
 * Backward rule of the training-mode node. With s = scale * inverse and n the number of elements
 * that count, rows that count get dx = s * (dy - sum(dy) / n - (x - mean) * inverse^2 *
 * sum(dy * (x - mean)) / n), padded rows s * dy; sum(dy * (x - mean)) is
 * sum(dy * x) - mean * sum(dy), so that nothing but x and dy is read.
 */
export function batchStatisticsGradients({
  node,
  build,
  gradients,
  dims,
}: RuleContext): ReturnType<Rule> {
  const { x, scale, rows, mean, inverse } = named(node);
  const dy = gradients[0] ?? "";
  const shape = dims(x);
  const { batch, channels, positions } = layout(shape);
  const overRows = (value: string) =>
    build.add("ReduceSum", [value, build.ints([0])], { keepdims: 0 });
  let sums: { readonly shift: string; readonly slope: string } | undefined;
  const reduced = () => {
    if (sums !== undefined) return sums;
    const shift = overRows(sumPositions(build, dy, shape));
    const product = overRows(dotPositions(build, x, dy, shape));
    sums = { shift, slope: build.add("Sub", [product, build.add("Mul", [mean, shift])]) };
    return sums;
  };
  return [
    () => {
      const { shift, slope } = reduced();
      const gain = build.add("Mul", [scale, inverse]);
      const share = build.add("Neg", [build.add("Div", [gain, rowCount(build, rows, positions)])]);
      const column = build.add("Reshape", [rows, build.ints([batch, 1])]);
      const perRow = (value: string) =>
        build.add("Reshape", [build.add("Mul", [column, value]), build.ints([batch * channels])]);
      const squared = build.add("Mul", [inverse, inverse]);
      const factor = build.add("Mul", [share, build.add("Mul", [slope, squared])]);
      const offset = build.add("Sub", [
        build.add("Mul", [share, shift]),
        build.add("Mul", [factor, mean]),
      ]);
      const size = batch * channels;
      const zero = build.constant(float32(new Float32Array(size), [size]), "zeros");
      const one = build.constant(float32(new Float32Array(size).fill(1), [size]), "ones");
      // BatchNormalization of mean 0 and variance 1 is a scale and a shift in one pass.
      const drift = build.add(
        "BatchNormalization",
        [
          build.add("Reshape", [x, build.ints([1, size, positions])]),
          perRow(factor),
          perRow(offset),
          zero,
          one,
        ],
        { epsilon: real(0) },
      );
      const wide = build.ints([channels, ...shape.slice(2).map(() => 1)]);
      return build.add("Add", [
        build.add("Mul", [dy, build.add("Reshape", [gain, wide])]),
        build.add("Reshape", [drift, build.ints(shape)]),
      ]);
    },
    () => build.add("Mul", [reduced().slope, inverse]),
    () => reduced().shift,
  ];
}

function layout([batch = 1, channels = 1, ...spatial]: readonly number[]) {
  return { batch, channels, positions: elementCount(spatial) };
}

/** Sums over the positions of each channel of each row, [N, C]. */
function sumPositions(build: GraphBuilder, value: string, shape: readonly number[]): string {
  const { batch, channels, positions } = layout(shape);
  const flat = build.add("Reshape", [value, build.ints([batch, channels, positions])]);
  return build.add("ReduceSum", [flat, build.ints([2])], { keepdims: 0 });
}

/**
 * Sums of a * b over the positions of each channel of each row, [N, C]: a convolution whose
 * kernels are whole maps, which writes no product of the size of the maps.
 */
function dotPositions(build: GraphBuilder, a: string, b: string, shape: readonly number[]): string {
  const { batch, channels } = layout(shape);
  const size = batch * channels;
  const spatial = shape.length > 2 ? shape.slice(2) : [1];
  const dots = build.add(
    "Conv",
    [
      build.add("Reshape", [a, build.ints([1, size, ...spatial])]),
      build.add("Reshape", [b, build.ints([size, 1, ...spatial])]),
    ],
    { group: size, kernel_shape: spatial },
  );
  return build.add("Reshape", [dots, build.ints([batch, channels])]);
}

/** Number of elements of a channel in the rows that count; at least 1. */
function rowCount(build: GraphBuilder, rows: string, positions: number): string {
  const counted = build.add("ReduceSum", [rows], { keepdims: 0 });
  return build.add("Max", [build.add("Mul", [counted, build.scalar(positions)]), build.scalar(1)]);
}
