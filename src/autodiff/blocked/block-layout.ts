import { GraphBuilder } from "../../onnx/build.ts";
import { constantTensor } from "../../onnx/constant.ts";
import type { Graph, Model } from "../../onnx/graph.ts";
import { prune } from "../../onnx/prune.ts";
import type { Tensor } from "../../onnx/tensor.ts";
import { namesInUse, reads } from "../../onnx/values.ts";
import { Conv, ConvTranspose } from "./convolution.ts";
import { Slice } from "./convolution-weight.ts";
import { denseWeightGradients, writeDenseWeightGradient } from "./dense-weight-gradient.ts";
import { outputDims } from "./dims.ts";
import { fuseConvolutions } from "./fuse.ts";
import { broadcast, unary } from "./pointwise.ts";
import { MaxPool, ScatterElements } from "./pooling.ts";
import {
  BatchNormalization,
  Expand,
  GlobalAveragePool,
  Reshape,
  reduce,
  Transpose,
} from "./structure.ts";
import { type BlockedRule, NCHWC, Values } from "./values.ts";

const rules: Readonly<Record<string, BlockedRule>> = {
  ...{ Conv, ConvTranspose, BatchNormalization, GlobalAveragePool, Reshape, Transpose, Expand },
  ...{ MaxPool, ScatterElements, Slice },
  ...{ ReduceSum: reduce, ReduceMean: reduce, ReduceSumSquare: reduce },
  ...{ Add: broadcast, Sub: broadcast, Mul: broadcast, Sum: broadcast },
  ...{ Relu: unary, LeakyRelu: unary, Elu: unary, Clip: unary, HardSigmoid: unary },
  ...{ HardSwish: unary, Sigmoid: unary, Tanh: unary, Softplus: unary, Mish: unary },
  ...{ Gelu: unary, Erf: unary, Neg: unary, Abs: unary },
};

/**
 * The same graph with its convolutions and what stands between them in ONNX Runtime's blocked
 * layout, NCHWc. The runtime's own optimizer does this for inference, where weights are constants;
 * here weights that change are reordered inside the graph, the backward pass takes part, and a
 * depthwise convolution's weight gradient becomes a blocked depthwise convolution itself.
 * Anzelmo et al., "Optimizing CNN Model Inference on CPUs" (2019), describes the layout.
 *
 * @param model a training graph; its intermediates' declared shapes are trusted
 * @param block channels in a group, as this machine's kernels have it: 8 or 16
 * @param gradients the gradient of each forward value; dense weights' are written anew
 */
export function blockLayout(
  model: Model,
  block: number,
  gradients: ReadonlyMap<string, string> = new Map(),
): Model {
  const { graph } = model;
  const weightGradients = denseWeightGradients(graph, gradients);
  const build = new GraphBuilder(namesInUse(graph));
  for (const [name, tensor] of graph.initializers) build.initializers.set(name, tensor);
  const constants = constantsOf(graph);
  const values = new Values(build, block, declaredDims(graph), (value) => constants.get(value));
  for (const node of graph.nodes) {
    const [output = ""] = node.outputs;
    if (values.dims(output) === undefined) {
      values.setDims(
        output,
        outputDims(node, {
          dims: (value) => values.dims(value),
          constant: (value) => constants.get(value),
        }),
      );
    }
    const convolution = weightGradients.get(output);
    if (convolution !== undefined && writeDenseWeightGradient(values, convolution)) continue;
    if (node.domain === "" && rules[node.op]?.(values, node)) continue;
    for (const value of reads(node)) values.plain(value);
    build.copy(node);
  }
  for (const { name } of graph.outputs) values.plain(name);
  const written = build.build(graph.name, graph.inputs, graph.outputs);
  return {
    ...model,
    opsets: new Map(model.opsets).set(NCHWC.domain, 1),
    graph: fuseConvolutions(prune(written), values.additions),
  };
}

function constantsOf(graph: Graph): ReadonlyMap<string, Tensor> {
  const found = new Map(graph.initializers);
  for (const node of graph.nodes) {
    const tensor = constantTensor(node);
    if (tensor !== undefined) found.set(node.outputs[0] ?? "", tensor);
  }
  return found;
}

function declaredDims(graph: Graph): ReadonlyMap<string, readonly number[]> {
  const found = new Map<string, readonly number[]>();
  for (const { name, shape } of [...graph.inputs, ...graph.values.values()]) {
    const dims = shape?.filter((dim) => typeof dim === "number");
    if (dims !== undefined && dims.length === shape?.length) found.set(name, dims);
  }
  for (const [name, tensor] of constantsOf(graph)) found.set(name, tensor.dims);
  return found;
}
