import { describe, expect, test } from "vitest";
import { readDescription } from "../models/metadata.ts";
import { onnxRuntime } from "../node/onnxruntime.ts";
import { GraphBuilder } from "../onnx/build.ts";
import type { Model } from "../onnx/graph.ts";
import { readModel } from "../onnx/read.ts";
import { float32 } from "../onnx/tensor.ts";
import { writeModel } from "../onnx/write.ts";
import type { Plan } from "../plan/plan.ts";
import { exportNetwork } from "./export.ts";
import { softmax } from "./softmax.ts";

/** A frozen convolution and a trained classifier; an inner value bears the result's input name. */
function network(): Model {
  const build = new GraphBuilder(["pixels", "image", "logits"]);
  const sine = (count: number, phase: number) =>
    Float32Array.from({ length: count }, (_, i) => Math.sin(i * 1.3 + phase));
  build.initializers.set("frozen", float32(sine(36, 0), [4, 3, 1, 3]));
  build.initializers.set("head.weight", float32(sine(8, 1), [2, 4]));
  build.initializers.set("head.bias", float32([0.1, -0.2], [2]));
  build.add("Conv", ["pixels", "frozen"], {}, { output: "image" });
  const pooled = build.add("Flatten", [build.add("GlobalAveragePool", ["image"])]);
  build.add("Gemm", [pooled, "head.weight", "head.bias"], { transB: 1 }, { output: "logits" });
  const graph = build.build(
    "network",
    [{ name: "pixels", type: "float32", shape: [1, 3, 2, 4] }],
    [{ name: "logits", type: "float32", shape: [1, 2] }],
  );
  return { graph, opsets: new Map([["", 17]]), irVersion: 8, producer: "t", metadata: new Map() };
}

const plan: Plan = {
  strategy: "head",
  thawPoint: { cut: "image", name: "block 1", depth: 1 },
  augmentation: "none",
  views: 1,
  epochs: 1,
  batchSize: 4,
  learningRate: 0.1,
  layerDecay: 1,
  weightDecay: 0,
  optimizer: "adamw",
  labelSmoothing: 0,
  dropout: 0,
  interpolation: 0.5,
  check: "none",
  rule: { strategy: "head", why: "" },
  why: [],
};

const options = {
  network: network(),
  trained: new Map([["head.bias", float32([0.5, 0.25], [2])]]),
  temperature: 2,
  name: "Tiny",
  labels: ["ants", "bees"],
  preprocessing: {
    width: 4,
    height: 2,
    fit: "squash",
    interpolation: "bilinear",
    channels: "bgr",
    mean: [0.5, 0.25, 0.125],
    std: [0.2, 0.3, 0.4],
  },
  provenance: { spec: "tiny.onnx", sha256: "00" },
  dataFingerprint: "ff",
  plan,
} as const;

describe("exported network", () => {
  const bytes = writeModel(exportNetwork(options));
  const model = readModel(bytes);

  test("takes raw RGB pixels and gives softmax of the logits over the temperature, for any batch", async () => {
    const raw = Float32Array.from({ length: 3 * 24 }, (_, i) => 127.5 * (1 + Math.cos(i)));
    const { mean, std } = options.preprocessing;
    const pixels = raw.map((_, i) => {
      const channel = Math.floor(i / 8) % 3;
      const blueFirst = raw[i + 8 * (2 - 2 * channel)] ?? 0;
      return (blueFirst / 255 - (mean[channel] ?? 0)) / (std[channel] ?? 1);
    });
    const trained = {
      ...options.network,
      graph: {
        ...options.network.graph,
        inputs: [{ name: "pixels", type: "float32" as const, shape: ["n", 3, 2, 4] }],
        outputs: [{ name: "logits", type: "float32" as const, shape: ["n", 2] }],
        initializers: new Map([...options.network.graph.initializers, ...options.trained]),
      },
    };
    const before = await onnxRuntime.open(writeModel(trained));
    const after = await onnxRuntime.open(bytes);
    const { logits } = await before.run({ pixels: float32(pixels, [3, 3, 2, 4]) });
    const { probabilities } = await after.run({ image: float32(raw, [3, 3, 2, 4]) });
    if (logits?.type !== "float32" || probabilities?.type !== "float32") throw new TypeError();
    expect(probabilities.dims).toEqual([3, 2]);
    softmax(logits.data, 2, 2).forEach((p, i) => {
      expect(probabilities.data[i]).toBeCloseTo(p, 6);
    });
    await before.release();
    await after.release();
  });

  test("keeps frozen weights bit by bit and takes the trained ones", async () => {
    const { initializers } = (await model).graph;
    expect(initializers.get("frozen")).toEqual(options.network.graph.initializers.get("frozen"));
    expect(initializers.get("head.bias")).toEqual(options.trained.get("head.bias"));
  });

  test("explains itself: labels, preprocessing, version, data, plan, provenance", async () => {
    const { labels, preprocessing, name } = readDescription(await model);
    const { metadata } = await model;
    expect({ labels, preprocessing, name }).toEqual({
      labels: options.labels,
      preprocessing: {
        ...options.preprocessing,
        channels: "rgb",
        mean: [0, 0, 0],
        std: [1 / 255, 1 / 255, 1 / 255],
      },
      name: "Tiny",
    });
    expect(JSON.parse(metadata.get("thaw.plan") ?? "")).toEqual(plan);
    expect(metadata.get("thaw.data")).toBe("ff");
    expect(JSON.parse(metadata.get("thaw.provenance") ?? "")).toEqual(options.provenance);
  });

  test("refuses a trained tensor the network does not have", () => {
    const trained = new Map([["head.bias", float32([1], [1])]]);
    expect(() => exportNetwork({ ...options, trained })).toThrow(TypeError);
  });
});
