import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { blockLayout } from "../autodiff/blocked/block-layout.ts";
import { buildTrainingGraph } from "../autodiff/build-training-graph.ts";
import { randomTensor } from "../autodiff/finite-differences.fixture.ts";
import type { TrainingGraph } from "../autodiff/training-graph.ts";
import { trainableParameters } from "../models/parameters.ts";
import { onnxRuntime } from "../node/onnxruntime.ts";
import { readModel } from "../onnx/read.ts";
import { simplify } from "../onnx/simplify.ts";
import { upgradeModel } from "../onnx/upgrade.ts";
import { blockSize } from "./block-size.ts";
import { discoverShapes } from "./shapes.ts";
import { createStepper } from "./stepper.ts";

const [BATCH, CLASSES] = [8, 10];
const block = await blockSize(onnxRuntime);

/** Narrow torchvision networks, everything trained with batch statistics. */
async function trainingOf(name: string): Promise<TrainingGraph> {
  const file = new URL(`../../test/fixtures/golden/${name}.onnx`, import.meta.url);
  const network = simplify(upgradeModel(await readModel(new Uint8Array(readFileSync(file)))));
  return buildTrainingGraph({
    network,
    logits: "logits",
    groups: [
      {
        parameters: trainableParameters(network.graph),
        learningRateScale: 1,
        weightDecayScale: 1,
      },
    ],
    loss: { labelSmoothing: 0.1 },
    optimizer: { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 },
    batchNorm: "batch",
    shapes: await discoverShapes(onnxRuntime, network, [BATCH, 3, 64, 64]),
  });
}

async function train(graph: TrainingGraph) {
  const stepper = await createStepper(onnxRuntime, graph, { threads: 2 });
  const losses: number[] = [];
  for (let seed = 1; seed <= 4; seed++) {
    const { loss } = await stepper.step({
      features: randomTensor([BATCH, 3, 64, 64], seed).data,
      targets: randomTensor([BATCH, CLASSES], seed, 0, 0.2).data,
      sampleWeights: new Float32Array(BATCH).fill(1),
      learningRate: 0.001,
    });
    losses.push(loss);
  }
  const state = createHash("sha256");
  for (const { data } of Object.values(stepper.current())) state.update(data);
  await stepper.release();
  return { losses, state: state.digest("hex") };
}

describe.each(["resnet", "mobilenet_v3_small"])("%s", async (name) => {
  const graph = await trainingOf(name);

  test.runIf(block)("is written in blocked layout, reordered by Gather", () => {
    const { nodes } = blockLayout(graph.model, block ?? 0, graph.gradients).graph;
    expect(nodes.some(({ domain }) => domain !== "")).toBe(true);
    expect(nodes.some(({ op, inputs }) => op === "Gather" && inputs[1]?.startsWith("places"))).toBe(
      true,
    );
  });

  test("two runs give the same bytes", async () => {
    expect(await train(graph)).toEqual(await train(graph));
  });
});
