import * as attribute from "./attributes.ts";
import { GraphBuilder } from "./build.ts";
import type { Graph, Model, Node } from "./graph.ts";
import { prune } from "./prune.ts";
import { float32, type Tensor } from "./tensor.ts";
import { consumers, namesInUse, producers } from "./values.ts";

/**
 * Folds inference BatchNormalization into the Conv, ConvTranspose or Gemm before it:
 * `w' = w * scale / sqrt(var + epsilon)` and `b' = (b - mean) * scale / sqrt(var + epsilon) + bias`
 * for each output channel, computed in float64. Nodes stay as they are where the layer's result is
 * read elsewhere too or a parameter is not a float32 initializer. For graphs that are not trained.
 */
export function foldBatchNorm(model: Model): Model {
  const { graph } = model;
  const build = new GraphBuilder(namesInUse(graph));
  const written = producers(graph);
  const readers = consumers(graph);
  const exposed = new Set(graph.outputs.map((output) => output.name));
  const replaced = new Map<Node, Node | undefined>();
  for (const norm of graph.nodes) {
    if (norm.op !== "BatchNormalization" || norm.domain !== "") continue;
    const [input = "", ...parameters] = norm.inputs;
    const layer = written.get(input);
    if (layer === undefined || replaced.has(layer)) continue;
    if (exposed.has(input) || readers.get(input)?.length !== 1) continue;
    const folded = fold(graph, build, layer, norm, parameters);
    if (folded === undefined) continue;
    replaced.set(layer, undefined);
    replaced.set(norm, folded);
  }
  const nodes = graph.nodes.flatMap((node) => {
    const folded = replaced.has(node) ? replaced.get(node) : node;
    return folded === undefined ? [] : [folded];
  });
  const initializers = new Map([...graph.initializers, ...build.initializers]);
  return { ...model, graph: prune({ ...graph, nodes, initializers }) };
}

function fold(
  graph: Graph,
  build: GraphBuilder,
  layer: Node,
  norm: Node,
  parameters: readonly string[],
): Node | undefined {
  const [data = "", weightName = "", biasName = ""] = layer.inputs;
  const weight = floats(graph, weightName);
  const [gamma, beta, mean, variance] = parameters.map((name) => floats(graph, name));
  const bias = biasName === "" ? undefined : floats(graph, biasName);
  if (!weight || !gamma || !beta || !mean || !variance) return undefined;
  if (biasName !== "" && bias?.dims.length !== 1) return undefined;
  if (attribute.int(norm, "training_mode", 0) !== 0) return undefined;
  const channels = gamma.data.length;
  const channelOf = channelIndex(layer, weight, channels);
  if (channelOf === undefined || (bias && bias.data.length !== channels)) return undefined;

  const epsilon = attribute.float(norm, "epsilon", 1e-5);
  const scale = Array.from(
    gamma.data,
    (value, c) => value / Math.sqrt((variance.data[c] ?? 0) + epsilon),
  );
  const newWeight = weight.data.map((value, index) => value * (scale[channelOf(index)] ?? 1));
  const newBias = beta.data.map(
    (value, c) => ((bias?.data[c] ?? 0) - (mean.data[c] ?? 0)) * (scale[c] ?? 1) + value,
  );
  return {
    ...layer,
    inputs: [
      data,
      build.constant(float32(newWeight, weight.dims), `${weightName}_folded`),
      build.constant(float32(newBias, [channels]), `${biasName || weightName}_folded_bias`),
    ],
    outputs: norm.outputs.slice(0, 1),
  };
}

/** The output channel each element of the layer's weight belongs to. */
function channelIndex(
  layer: Node,
  weight: Tensor<"float32">,
  channels: number,
): ((index: number) => number) | undefined {
  if (layer.domain !== "") return undefined;
  const [rows = 0, columns = 0, ...kernel] = weight.dims;
  const area = kernel.reduce((product, dim) => product * dim, 1);
  switch (layer.op) {
    case "Conv":
      return rows === channels ? (index) => Math.floor(index / (columns * area)) : undefined;
    case "ConvTranspose": {
      const groups = attribute.int(layer, "group", 1);
      if (columns * groups !== channels) return undefined;
      const rowsInGroup = rows / groups;
      return (index) => {
        const row = Math.floor(index / (columns * area));
        return Math.floor(row / rowsInGroup) * columns + (Math.floor(index / area) % columns);
      };
    }
    case "Gemm": {
      const plain =
        attribute.float(layer, "alpha", 1) === 1 && attribute.float(layer, "beta", 1) === 1;
      const transposed = attribute.int(layer, "transB", 0) !== 0;
      if (!plain || (transposed ? rows : columns) !== channels) return undefined;
      return transposed ? (index) => Math.floor(index / columns) : (index) => index % columns;
    }
    default:
      return undefined;
  }
}

function floats(graph: Graph, name: string): Tensor<"float32"> | undefined {
  const tensor = graph.initializers.get(name);
  return tensor?.type === "float32" ? tensor : undefined;
}
