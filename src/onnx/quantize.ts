import { GraphBuilder } from "./build.ts";
import type { Model, Node } from "./graph.ts";
import { elementCount, float32, type Tensor } from "./tensor.ts";
import { namesInUse } from "./values.ts";

/** Below this many numbers a tensor is not worth the two extra ones it costs per channel. */
const smallest = 256;

/**
 * Stores the weights of convolutions and matrix products as 8-bit integers, a quarter of their
 * size, widened again by DequantizeLinear when the network is loaded. Symmetric, one scale an
 * output channel (Krishnamoorthi, Quantizing Deep Convolutional Networks, 2018). Activations
 * stay float32, so speed is that of the original.
 */
export function quantizeWeights(model: Model): Model {
  const { graph } = model;
  const build = new GraphBuilder(namesInUse(graph));
  const initializers = new Map(graph.initializers);
  const widened = new Map<string, string>();
  for (const node of graph.nodes) {
    const name = weightOf(node);
    const weight = name === undefined ? undefined : graph.initializers.get(name);
    if (name === undefined || weight?.type !== "float32" || widened.has(name)) continue;
    if (weight.data.length < smallest) continue;
    const axis = channelAxis(node);
    const { integers, scales } = quantize(weight, axis);
    initializers.delete(name);
    const inputs = [
      build.constant(integers, `${name}.int8`),
      build.constant(scales, `${name}.scale`),
    ];
    widened.set(name, build.add("DequantizeLinear", inputs, { axis }));
  }
  const replaced = (value: string) => widened.get(value) ?? value;
  return {
    ...model,
    graph: {
      ...graph,
      initializers: new Map([...initializers, ...build.initializers]),
      nodes: [
        ...build.nodes,
        ...graph.nodes.map((node) => ({ ...node, inputs: node.inputs.map(replaced) })),
      ],
    },
  };
}

function weightOf(node: Node): string | undefined {
  return ["Conv", "Gemm", "MatMul"].includes(node.op) ? node.inputs[1] : undefined;
}

function channelAxis(node: Node): number {
  const transB = node.attributes.transB;
  return node.op === "Conv" || (transB?.kind === "int" && transB.value === 1) ? 0 : 1;
}

function quantize(
  { data, dims }: Tensor<"float32">,
  axis: number,
): { integers: Tensor<"int8">; scales: Tensor<"float32"> } {
  const channels = dims[axis] ?? 1;
  const inner = elementCount(dims.slice(axis + 1));
  const largest = new Float32Array(channels);
  const channelOf = (at: number) => Math.floor(at / inner) % channels;
  data.forEach((value, at) => {
    const channel = channelOf(at);
    largest[channel] = Math.max(largest[channel] ?? 0, Math.abs(value));
  });
  const scales = largest.map((value) => (value === 0 ? 1 : value / 127));
  const integers = Int8Array.from(data, (value, at) =>
    Math.round(value / (scales[channelOf(at)] ?? 1)),
  );
  return {
    integers: { type: "int8", dims, data: integers },
    scales: float32(scales, [channels]),
  };
}
