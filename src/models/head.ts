import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { GraphBuilder } from "../onnx/build.ts";
import type { Model } from "../onnx/graph.ts";
import { renameValues } from "../onnx/rename.ts";
import { subgraph } from "../onnx/subgraph.ts";
import { float32 } from "../onnx/tensor.ts";
import { namesInUse } from "../onnx/values.ts";
import { backboneFeatures } from "./features.ts";
import type { Shapes } from "./flops.ts";
import { withFeatures } from "./metadata.ts";
import { poolFeatures } from "./pool-features.ts";

export interface HeadOptions {
  /** Width of the new classifier. */
  readonly classes: number;
  /** Probability of dropping a feature while training, 0 to below 1; 0 adds no Dropout. */
  readonly dropout: number;
  /** Width of a hidden layer with ReLU between features and classifier; none where absent. */
  readonly hidden?: number;
  readonly seed: number;
}

/** Names in the new head; a backbone that uses one of them has its own renamed. */
const LOGITS = "logits";
const headNames = [
  LOGITS,
  "head.weight",
  "head.bias",
  "head.hidden.weight",
  "head.hidden.bias",
  "head.features",
  "head.hidden",
  "head.dropout",
  "head.hidden.dropout",
];

/**
 * The network with its classifier replaced by a new one, or given one where it had none: output
 * `logits` [N, classes], initializers `head.weight` [classes, D], `head.bias` and, with a hidden
 * layer, `head.hidden.weight`, `head.hidden.bias`. Feature maps [N, C, H, W] are averaged; of
 * tokens [N, T, D] the class token is taken, or the mean where there is none.
 *
 * Weights start uniform in +-1/sqrt(D), PyTorch's default for a linear layer; biases at 0.
 * @param shapes dimensions of every value for a batch of one
 * @throws ThawError `models/no-features` where the network's output is no such features
 */
export function replaceHead(model: Model, shapes: Shapes, options: HeadOptions): Model {
  const { classes, dropout, hidden, seed } = options;
  const features = backboneFeatures(model, shapes);
  const dims = shapes.get(features) ?? [];
  const backbone = subgraph(model, { outputs: [features] }).graph;
  const taken = namesInUse(backbone);
  const renamed = new Map(
    headNames.filter((name) => taken.has(name)).map((name) => [name, `${name}_backbone`]),
  );
  const graph = renameValues(backbone, renamed);

  const build = new GraphBuilder([
    ...namesInUse(graph),
    ...graph.nodes.map(({ name }) => name),
    ...headNames,
  ]);
  const random = xoroshiro128plus(seed);
  const pooled = poolFeatures(build, renamed.get(features) ?? features, dims, "head.features");
  const layer = (input: string, name: string, width: number, from: number, output: string) => {
    const bound = 1 / Math.sqrt(from);
    const weight = Float32Array.from(
      { length: width * from },
      () => (2 * uniformFloat64(random) - 1) * bound,
    );
    build.initializers.set(`${name}.weight`, float32(weight, [width, from]));
    build.initializers.set(`${name}.bias`, float32(new Float32Array(width), [width]));
    return build.add("Gemm", [input, `${name}.weight`, `${name}.bias`], { transB: 1 }, { output });
  };
  const drop = (input: string, output: string) =>
    dropout === 0 ? input : build.add("Dropout", [input, build.scalar(dropout)], {}, { output });

  let width = pooled.width;
  let value = pooled.value;
  if (hidden !== undefined) {
    value = layer(drop(value, "head.dropout"), "head.hidden", hidden, width, "head.hidden");
    value = drop(build.add("Relu", [value]), "head.hidden.dropout");
    width = hidden;
  } else {
    value = drop(value, "head.dropout");
  }
  layer(value, "head", classes, width, LOGITS);

  const headed: Model = {
    ...model,
    graph: {
      ...graph,
      nodes: [...graph.nodes, ...build.nodes],
      outputs: [{ name: LOGITS, type: "float32", shape: ["batch", classes] }],
      initializers: new Map([...graph.initializers, ...build.initializers]),
    },
  };
  return withFeatures(headed, pooled.value);
}
