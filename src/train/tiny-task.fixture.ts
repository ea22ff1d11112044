import { onnxRuntime } from "../node/onnxruntime.ts";
import { GraphBuilder } from "../onnx/build.ts";
import type { Model } from "../onnx/graph.ts";
import { float32 } from "../onnx/tensor.ts";
import { WORKING_OPSET } from "../onnx/upgrade.ts";
import type { FeatureLoader } from "./boundary-cache.ts";
import type { Example, FitOptions } from "./fit-options.ts";
import { layerDecayGroups } from "./parameter-groups.ts";

const waves = (count: number, phase: number, scale: number) =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(i * 1.7 + phase) * scale);

/** Name of the value [N, 6] that enters the classifier. */
export const pooledFeatures = "pooled";

/** Pictures of 3 x 4 x 4 through a convolution, a norm and a classifier with dropout. */
export function tinyNetwork(classes: number, dropout = 0): Model {
  const build = new GraphBuilder(["image", "logits"]);
  const weight = (name: string, values: Float32Array, dims: readonly number[]) => {
    build.initializers.set(name, float32(values, dims));
    return name;
  };
  const conv = build.add("Conv", ["image", weight("conv", waves(6 * 27, 1, 0.3), [6, 3, 3, 3])], {
    pads: [1, 1, 1, 1],
  });
  const norm = build.add("BatchNormalization", [
    conv,
    weight("norm.scale", new Float32Array(6).fill(1), [6]),
    weight("norm.shift", new Float32Array(6), [6]),
    weight("norm.mean", waves(6, 2, 0.1), [6]),
    weight("norm.variance", new Float32Array(6).fill(0.8), [6]),
  ]);
  const relu = build.add("Relu", [norm], {}, { output: "features" });
  const mean = build.add("GlobalAveragePool", [relu]);
  const pooled = build.add("Flatten", [mean], { axis: 1 }, { output: pooledFeatures });
  const dropped = dropout === 0 ? pooled : build.add("Dropout", [pooled, build.scalar(dropout)]);
  build.add(
    "Gemm",
    [
      dropped,
      weight("head.weight", waves(classes * 6, 3, 0.4), [classes, 6]),
      weight("head.bias", new Float32Array(classes), [classes]),
    ],
    { transB: 1 },
    { output: "logits" },
  );
  const graph = build.build(
    "tiny",
    [{ name: "image", type: "float32", shape: ["batch", 3, 4, 4] }],
    [{ name: "logits", type: "float32", shape: ["batch", classes] }],
  );
  return {
    graph,
    opsets: new Map([["", WORKING_OPSET]]),
    irVersion: 10,
    producer: "test",
    metadata: new Map(),
  };
}

/** Pictures of class k are bright in channel k, with noise that depends on the view alone. */
export function tinyPictures(classes: number): FeatureLoader {
  return {
    dims: [3, 4, 4],
    async load(views) {
      const data = new Float32Array(views.length * 48);
      views.forEach(({ sample, draw }, row) => {
        for (let i = 0; i < 48; i++) {
          const bright = Math.floor(i / 16) === sample % classes ? 1 : 0;
          data[row * 48 + i] = bright + 0.8 * Math.sin(sample * 12.9 + draw * 5.3 + i * 78.2);
        }
      });
      return data;
    },
  };
}

/** Samples from `first` on, labelled by their brightest channel. */
export function tinyExamples(first: number, count: number, classes: number): Example[] {
  return Array.from({ length: count }, (_, i) => ({
    sample: first + i,
    label: (first + i) % classes,
  }));
}

/** A fit of a second or less that takes every turn: partial batches, views, dropout. */
export function tinyFit(changes: Partial<FitOptions> = {}): FitOptions {
  const network = tinyNetwork(3, 0.2);
  return {
    runtime: onnxRuntime,
    threads: 1,
    network,
    classes: 3,
    groups: layerDecayGroups(network.graph, ["features"], 0.5),
    optimizer: { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 },
    loss: { labelSmoothing: 0.05 },
    batchNorm: "frozen",
    idOf: (sample) => `${sample}.png`,
    features: tinyPictures(3),
    train: tinyExamples(0, 10, 3),
    validation: tinyExamples(100, 7, 3),
    augmentation: "light",
    views: 2,
    epochs: 3,
    batchSize: 4,
    learningRate: 0.05,
    warmup: 0.1,
    patience: 10,
    seed: 1,
    ...changes,
  };
}
