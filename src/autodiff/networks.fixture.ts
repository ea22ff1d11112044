import { onnxRuntime } from "../node/onnxruntime.ts";
import { GraphBuilder } from "../onnx/build.ts";
import type { Model } from "../onnx/graph.ts";
import { floats, modelOf } from "../onnx/models.fixture.ts";

import { discoverShapes } from "../runtime/shapes.ts";
import type { StepInputs } from "../runtime/stepper.ts";
import { randomTensor } from "./finite-differences.fixture.ts";
import type { TrainingSpec } from "./training-graph.ts";

export const CLASSES = 3;

/** Names of the small network's parameters, by layer. */
export const layers = {
  stem: ["conv1.weight", "bn1.scale", "bn1.bias"],
  block: ["conv2.weight", "conv2.bias", "bn2.scale", "bn2.bias"],
  head: ["fc.weight", "fc.bias"],
};

/** Two convolutions with norms, the second one strided, max pooling, dropout and a classifier. */
export function trainableNetwork({ dropout = 0 } = {}): Model {
  const build = new GraphBuilder(["image", "logits"]);
  const parameter = (name: string, dims: readonly number[], low = -0.5, high = 0.5) => {
    build.reserve(name);
    build.initializers.set(name, randomTensor(dims, name.length + dims.length * 7, low, high));
    return name;
  };
  const norm = (x: string, name: string, channels: number) =>
    build.add("BatchNormalization", [
      x,
      parameter(`${name}.scale`, [channels], 0.5, 1.5),
      parameter(`${name}.bias`, [channels]),
      parameter(`${name}.mean`, [channels]),
      parameter(`${name}.var`, [channels], 0.5, 2),
    ]);
  const conv1 = build.add("Conv", ["image", parameter("conv1.weight", [4, 3, 3, 3])], {
    pads: [1, 1, 1, 1],
  });
  const pooled = build.add("MaxPool", [build.add("Relu", [norm(conv1, "bn1", 4)])], {
    kernel_shape: [3, 3],
    strides: [1, 1],
  });
  const conv2 = build.add(
    "Conv",
    [pooled, parameter("conv2.weight", [6, 4, 3, 3]), parameter("conv2.bias", [6])],
    { strides: [2, 2], pads: [1, 1, 1, 1] },
  );
  const features = build.add("GlobalAveragePool", [build.add("Relu", [norm(conv2, "bn2", 6)])]);
  const flat = build.add("Flatten", [features]);
  const kept = dropout === 0 ? flat : build.add("Dropout", [flat, build.scalar(dropout)]);
  build.add(
    "Gemm",
    [kept, parameter("fc.weight", [CLASSES, 6]), parameter("fc.bias", [CLASSES])],
    { transB: 1 },
    { output: "logits" },
  );
  return modelOf(
    build.build(
      "small",
      [floats("image", ["batch", 3, 8, 8])],
      [floats("logits", ["batch", CLASSES])],
    ),
  );
}

/** A training of the small network with AdamW. */
export async function trainingSpec(
  change: Partial<TrainingSpec> & { readonly batch?: number; readonly dropout?: number } = {},
): Promise<TrainingSpec> {
  const { batch = 4, dropout = 0, ...rest } = change;
  const network = rest.network ?? trainableNetwork({ dropout });
  return {
    network,
    logits: "logits",
    groups: [
      {
        parameters: [...layers.stem, ...layers.block, ...layers.head],
        learningRateScale: 1,
        weightDecayScale: 1,
      },
    ],
    loss: { labelSmoothing: 0.1 },
    optimizer: { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 },
    batchNorm: "frozen",
    shapes: await discoverShapes(onnxRuntime, network, [batch, 3, 8, 8]),
    ...rest,
  };
}

/** A seeded batch whose first `real` rows count; the others hold other numbers. */
export function batchOf(
  rows: number,
  { real = rows, seed = 1, learningRate = 0.01 } = {},
): StepInputs {
  const features = new Float32Array(rows * 3 * 8 * 8);
  features.set(randomTensor([rows, 3, 8, 8], seed + 1000, 5, 9).data);
  features.set(randomTensor([real, 3, 8, 8], seed).data);
  const targets = new Float32Array(rows * CLASSES);
  const sampleWeights = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    targets[row * CLASSES + ((row + seed) % CLASSES)] = 1;
    if (row < real) sampleWeights[row] = 1;
  }
  return { features, targets, sampleWeights, learningRate };
}
