import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { onnxRuntime } from "../../node/onnxruntime.ts";
import { readModel } from "../../onnx/read.ts";
import { simplify } from "../../onnx/simplify.ts";
import { float32 } from "../../onnx/tensor.ts";
import { upgradeModel } from "../../onnx/upgrade.ts";
import { writeModel } from "../../onnx/write.ts";
import { blockSize } from "../../runtime/block-size.ts";
import { discoverShapes } from "../../runtime/shapes.ts";
import { buildTrainingGraph } from "../build-training-graph.ts";
import type { TrainingGraph } from "../training-graph.ts";
import { blockLayout } from "./block-layout.ts";

const block = await blockSize(onnxRuntime);

async function trainingGraph(
  name: string,
  size: number,
  batchNorm: "frozen" | "batch",
): Promise<TrainingGraph> {
  const file = new URL(`../../../test/fixtures/golden/${name}.onnx`, import.meta.url);
  const network = simplify(upgradeModel(await readModel(new Uint8Array(readFileSync(file)))));
  const shapes = await discoverShapes(onnxRuntime, network, [4, 3, size, size]);
  const parameters = [...network.graph.initializers.keys()].filter((key) =>
    /\.(weight|bias)$/.test(key),
  );
  return buildTrainingGraph({
    network,
    logits: "logits",
    groups: [{ parameters, learningRateScale: 1, weightDecayScale: 0 }],
    loss: { labelSmoothing: 0 },
    optimizer: { kind: "sgd", momentum: 0.9, nesterov: false, weightDecay: 0 },
    batchNorm,
    shapes,
  });
}

/** Every output of one step, for the same made-up pictures. */
async function outputsOf(graph: TrainingGraph, size: number, model = graph.model) {
  const session = await onnxRuntime.open(writeModel(model), { optimization: "basic" });
  const wave = (dims: readonly number[]) => {
    const size = dims.reduce((product, dim) => product * dim, 1);
    return float32(
      Float32Array.from({ length: size }, (_, at) => Math.sin(at * 0.7 + 1)),
      dims,
    );
  };
  const { features, targets, sampleWeights, learningRate } = graph.inputs;
  const feeds = Object.fromEntries([
    [features, wave([4, 3, size, size])],
    [targets, float32(new Float32Array(40).fill(0.1), [4, 10])],
    [sampleWeights, float32([1, 1, 1, 0], [4])],
    [learningRate, float32([0.1], [])],
    ...graph.state.map(({ input, initial }) => [input, initial]),
  ]);
  const outputs = await session.run(feeds);
  await session.release();
  return outputs;
}

describe.skipIf(block === undefined)("blocked layout", () => {
  test.each([
    ["mobilenet_v3_small", 64, "frozen"],
    ["mobilenet_v3_small", 64, "batch"],
    ["mobilenet_v2", 48, "frozen"],
    ["densenet", 64, "batch"],
    ["resnet", 64, "batch"],
    ["squeezenet", 48, "frozen"],
  ] as const)(
    "a step of %s at %i pixels with %s BatchNorm gives what it gave",
    async (name, size, batchNorm) => {
      const graph = await trainingGraph(name, size, batchNorm);
      const blocked = blockLayout(graph.model, block ?? 16, graph.gradients);
      expect(blocked.graph.nodes.some((node) => node.domain === "com.microsoft.nchwc")).toBe(true);
      const [expected, found] = [
        await outputsOf(graph, size),
        await outputsOf(graph, size, blocked),
      ];
      for (const [key, { data }] of Object.entries(expected)) {
        const scale = Math.max(...[...data].map((value) => Math.abs(Number(value))), 1e-3);
        const differences = [...data].map((value, at) =>
          Math.abs(Number(value) - Number(found[key]?.data[at])),
        );
        expect(Math.max(...differences) / scale, key).toBeLessThan(2e-3);
      }
    },
  );
});
