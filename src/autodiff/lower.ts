import type { GraphBuilder } from "../onnx/build.ts";
import type { Graph, Node } from "../onnx/graph.ts";
import { elementCount, type Tensor } from "../onnx/tensor.ts";
import { consumers, producers } from "../onnx/values.ts";
import { lessMean, writeShiftedConvolution } from "./batch-shift.ts";
import { inTrainingMode, writeBatchStatistics } from "./batch-statistics.ts";
import { ForwardWriter } from "./forward-writer.ts";
import { foldable, writeFoldedConvolution } from "./frozen-batch-norm.ts";
import { dependentValues } from "./reverse.ts";

/** A running statistic and the name of its value after the step. */
export interface RunningStatistic {
  readonly parameter: string;
  readonly next: string;
}

export interface Mask {
  readonly name: string;
  readonly dims: readonly number[];
  readonly ratio: number;
}

export interface Lowering {
  readonly graph: Graph;
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  readonly trainable: ReadonlySet<string>;
  /** Nodes that normalise by the batch instead of stored statistics. */
  readonly batchNorms: ReadonlySet<Node>;
  /** [1, N], 1 for rows that count. */
  readonly rows: string;
}

/** The forward part of a training graph as it is written and differentiated. */
export interface Lowered {
  readonly forward: ForwardWriter;
  readonly statistics: readonly RunningStatistic[];
  readonly masks: readonly Mask[];
}

/** Optional outputs that backward rules need, by operator: how many outputs to ask for. */
const savedOutputs: Readonly<Record<string, number>> = { MaxPool: 2, LayerNormalization: 3 };

/**
 * Writes the network in the form training runs it: frozen BatchNormalization folded into the
 * convolution before it, trainable ones by batch statistics, Dropout as a product with a mask
 * input, and with the optional outputs that backward rules read.
 */
export function lower(build: GraphBuilder, lowering: Lowering): Lowered {
  const { graph, shapes, trainable, batchNorms, rows } = lowering;
  const forward = new ForwardWriter(build, shapes);
  const written = producers(graph);
  const readers = consumers(graph);
  const exposed = new Set(graph.outputs.map((output) => output.name));
  const dependent = dependentValues(graph.nodes, trainable);
  const statistics: RunningStatistic[] = [];
  const masks: Mask[] = [];

  const folded = new Map<Node, Node>();
  for (const norm of graph.nodes) {
    const input = norm.inputs[0] ?? "";
    const conv = written.get(input);
    if (batchNorms.has(norm) || exposed.has(input)) continue;
    if (foldable(norm, conv, readers.get(input), (value) => graph.initializers.has(value))) {
      folded.set(norm, conv);
    }
  }
  const absorbed = new Set(folded.values());

  const shifting = new Map<Node, string>();
  for (const norm of batchNorms) {
    const input = norm.inputs[0] ?? "";
    const conv = written.get(input);
    const alone = readers.get(input)?.length === 1 && !exposed.has(input);
    if (alone && conv?.op === "Conv" && conv.domain === "") {
      shifting.set(conv, norm.inputs[3] ?? "");
    }
  }

  const batchNormalization = (node: Node) => {
    const [input = "", , , runningMean = ""] = node.inputs;
    const conv = written.get(input);
    const shifted = conv !== undefined && shifting.has(conv);
    const x = shifted ? input : lessMean(forward, input, runningMean);
    const training = inTrainingMode(node, x, {
      rows,
      nextMean: build.fresh(`${node.inputs[3]}.next`),
      nextVariance: build.fresh(`${node.inputs[4]}.next`),
      mean: build.fresh("mean"),
      inverse: build.fresh("inverse"),
    });
    writeBatchStatistics(build, training, forward.dims);
    forward.nodes.push(training);
    for (const [input, output] of [
      [3, 1],
      [4, 2],
    ] as const) {
      statistics.push({
        parameter: node.inputs[input] ?? "",
        next: training.outputs[output] ?? "",
      });
    }
  };

  const dropout = (node: Node, ratio: number) => {
    const [x = ""] = node.inputs;
    const mask = build.fresh("dropout_mask");
    masks.push({ name: mask, dims: forward.dims(x), ratio });
    forward.copy({
      ...node,
      op: "Mul",
      inputs: [x, mask],
      outputs: node.outputs.slice(0, 1),
      attributes: {},
    });
  };

  for (const node of graph.nodes) {
    const conv = folded.get(node);
    const ratio = dropoutRatio(node, graph.initializers);
    if (absorbed.has(node)) continue;
    const shift = shifting.get(node);
    if (conv !== undefined) writeFoldedConvolution(forward, conv, node);
    else if (shift !== undefined) writeShiftedConvolution(forward, node, shift);
    else if (batchNorms.has(node)) batchNormalization(node);
    else if (ratio > 0 && precedesTraining(node, graph, dependent, readers)) dropout(node, ratio);
    else if (node.inputs.some((input) => dependent.has(input))) forward.copy(saving(node, build));
    else forward.copy(node);
  }
  return { forward, statistics, masks };
}

/** The node with the optional outputs that its backward rule reads. */
function saving(node: Node, build: GraphBuilder): Node {
  const wanted = node.domain === "" ? (savedOutputs[node.op] ?? 0) : 0;
  if (wanted === 0) return node;
  const outputs = Array.from(
    { length: wanted },
    (_, index) => node.outputs[index] || build.fresh(`${node.op}_saved`),
  );
  return { ...node, outputs };
}

function dropoutRatio(node: Node, initializers: ReadonlyMap<string, Tensor>): number {
  if (node.op !== "Dropout" || node.domain !== "") return 0;
  const ratio = node.inputs[1] ?? "";
  return ratio === "" ? 0.5 : Number(initializers.get(ratio)?.data[0] ?? 0);
}

/**
 * Whether a value lies in the trained part: behind a trained layer, or before one with no frozen
 * layer between.
 */
function precedesTraining(
  node: Node,
  graph: Graph,
  dependent: ReadonlySet<string>,
  readers: ReadonlyMap<string, readonly Node[]>,
): boolean {
  if (node.outputs.some((output) => dependent.has(output))) return true;
  return node.outputs
    .flatMap((output) => readers.get(output) ?? [])
    .some(
      (reader) =>
        reader.outputs.some((output) => dependent.has(output)) ||
        (!hasWeights(reader, graph) && precedesTraining(reader, graph, dependent, readers)),
    );
}

function hasWeights(node: Node, graph: Graph): boolean {
  return node.inputs.some((input) => {
    const tensor = graph.initializers.get(input);
    return tensor?.type === "float32" && elementCount(tensor.dims) > 1;
  });
}
