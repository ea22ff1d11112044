import { float, real } from "../onnx/attributes.ts";
import type { GraphBuilder } from "../onnx/build.ts";
import type { Node } from "../onnx/graph.ts";
import { elementCount, float32 } from "../onnx/tensor.ts";
import type { Rule, RuleContext } from "./rule.ts";

/**
 * BatchNormalization in training mode, as the training graph holds it between lowering and
 * writing. Beside ONNX's own inputs it takes `rows` [1, N], 1 for each row that counts and 0 for
 * padding, and it puts out what the backward pass needs.
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
  /** x minus the batch mean. */
  readonly centred: string;
  /** 1 / sqrt(batch variance + epsilon), [C]. */
  readonly inverse: string;
}

/** The inference-mode node in training mode, with the names of what training adds to it. */
export function inTrainingMode(
  node: Node,
  added: Pick<BatchStatisticsNode, "rows" | "nextMean" | "nextVariance" | "centred" | "inverse">,
): Node {
  const y = node.outputs[0] ?? "";
  return {
    ...node,
    inputs: [...node.inputs.slice(0, 5), added.rows],
    outputs: [y, added.nextMean, added.nextVariance, added.centred, added.inverse],
    attributes: { ...node.attributes, training_mode: { kind: "int", value: 1 } },
  };
}

function named({ inputs, outputs }: Node): BatchStatisticsNode {
  const [x = "", scale = "", bias = "", runningMean = "", runningVariance = "", rows = ""] = inputs;
  const [y = "", nextMean = "", nextVariance = "", centred = "", inverse = ""] = outputs;
  return {
    ...{ x, scale, bias, runningMean, runningVariance, rows },
    ...{ y, nextMean, nextVariance, centred, inverse },
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
  const { channels, positions, perChannel, flat } = layout(shape);
  const into = (output: string) => ({ output });
  const epsilon = float(node, "epsilon", 1e-5);

  const count = rowCount(build, names.rows, positions);
  const average = (op: "ReduceSum" | "ReduceSumSquare", value: string) => {
    const pooled = build.add(op, [build.add("Reshape", [value, flat(build)]), build.ints([2])], {
      keepdims: 0,
    });
    const summed = build.add("MatMul", [names.rows, pooled]);
    return build.add("Reshape", [build.add("Div", [summed, count]), build.ints([channels])]);
  };
  const mean = average("ReduceSum", names.x);
  build.add("Sub", [names.x, perChannel(build, mean)], {}, into(names.centred));
  const variance = average("ReduceSumSquare", names.centred);
  const deviation = build.add("Sqrt", [build.add("Add", [variance, build.scalar(epsilon)])]);
  build.add("Reciprocal", [deviation], {}, into(names.inverse));
  const zero = build.constant(float32(new Float32Array(channels), [channels]), "zeros");
  build.add(
    "BatchNormalization",
    [names.centred, names.scale, names.bias, zero, variance],
    { epsilon: real(epsilon) },
    into(names.y),
  );

  const momentum = float(node, "momentum", 0.9);
  const move = (running: string, current: string, output: string) => {
    const kept = build.add("Mul", [running, build.scalar(momentum)]);
    const gained = build.add("Mul", [current, build.scalar(1 - momentum)]);
    build.add("Add", [kept, gained], {}, into(output));
  };
  move(names.runningMean, mean, names.nextMean);
  const one = build.scalar(1);
  const free = build.add("Max", [build.add("Sub", [count, one]), one]);
  const unbiased = build.add("Mul", [variance, build.add("Div", [count, free])]);
  move(names.runningVariance, unbiased, names.nextVariance);
}

/**
 * Backward rule of the training-mode node. With s = scale * inverse and n the number of elements
 * that count, rows that count get dx = s * (dy - sum(dy) / n - centred * inverse^2 *
 * sum(dy * centred) / n), padded rows s * dy.
 */
export function batchStatisticsGradients({
  node,
  build,
  gradients,
  dims,
}: RuleContext): ReturnType<Rule> {
  const { x, scale, rows, centred, inverse } = named(node);
  const dy = gradients[0] ?? "";
  const shape = dims(x);
  const { batch, channels, positions, perChannel, flat } = layout(shape);
  const overPositions = (value: string) =>
    build.add("ReduceSum", [build.add("Reshape", [value, flat(build)]), build.ints([2])], {
      keepdims: 0,
    });
  const overRows = (value: string) =>
    build.add("ReduceSum", [value, build.ints([0])], { keepdims: 0 });
  let sums: { readonly shift: string; readonly slope: string } | undefined;
  const reduced = () => {
    sums ??= {
      shift: overRows(overPositions(dy)),
      slope: overRows(overPositions(build.add("Mul", [dy, centred]))),
    };
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
      const size = batch * channels;
      const zero = build.constant(float32(new Float32Array(size), [size]), "zeros");
      const one = build.constant(float32(new Float32Array(size).fill(1), [size]), "ones");
      // BatchNormalization of mean 0 and variance 1 is a scale and a shift in one pass.
      const drift = build.add(
        "BatchNormalization",
        [
          build.add("Reshape", [centred, build.ints([1, size, positions])]),
          perRow(factor),
          perRow(build.add("Mul", [share, shift])),
          zero,
          one,
        ],
        { epsilon: real(0) },
      );
      return build.add("Add", [
        build.add("Mul", [dy, perChannel(build, gain)]),
        build.add("Reshape", [drift, build.ints(shape)]),
      ]);
    },
    () => build.add("Mul", [reduced().slope, inverse]),
    () => reduced().shift,
  ];
}

function layout(shape: readonly number[]) {
  const [batch = 1, channels = 1, ...spatial] = shape;
  const positions = elementCount(spatial);
  return {
    batch,
    channels,
    positions,
    perChannel: (build: GraphBuilder, value: string) =>
      build.add("Reshape", [value, build.ints([channels, ...spatial.map(() => 1)])]),
    flat: (build: GraphBuilder) => build.ints([batch, channels, positions]),
  };
}

/** Number of elements of a channel in the rows that count; at least 1. */
function rowCount(build: GraphBuilder, rows: string, positions: number): string {
  const counted = build.add("ReduceSum", [rows], { keepdims: 0 });
  return build.add("Max", [build.add("Mul", [counted, build.scalar(positions)]), build.scalar(1)]);
}
