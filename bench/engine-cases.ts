import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { buildTrainingGraph } from "../src/autodiff/build-training-graph.ts";
import { trainableParameters } from "../src/models/parameters.ts";
import { splitAt } from "../src/models/split.ts";
import { onnxRuntime } from "../src/node/onnxruntime.ts";
import { foldBatchNorm } from "../src/onnx/fold-batch-norm.ts";
import type { Model } from "../src/onnx/graph.ts";
import { readModel } from "../src/onnx/read.ts";
import { simplify } from "../src/onnx/simplify.ts";
import { elementCount, float32, type Tensor } from "../src/onnx/tensor.ts";
import { upgradeModel } from "../src/onnx/upgrade.ts";
import { writeModel } from "../src/onnx/write.ts";
import { discoverShapes } from "../src/runtime/shapes.ts";
import { createStepper } from "../src/runtime/stepper.ts";
import { startTorch } from "./engine-torch.ts";

const [BATCH, SIZE, CLASSES] = [32, 224, 10];

/** The first weights of the last third and of the classifier, as torchvision names them. */
export const networks = {
  mobilenet_v3_small: { third: "features.9.block.0.0.weight", classifier: "classifier.0.weight" },
  mobilenet_v2: { third: "features.14.conv.0.0.weight", classifier: "classifier.1.weight" },
  resnet18: { third: "layer4.0.conv1.weight", classifier: "fc.weight" },
} as const;
export type NetworkName = keyof typeof networks;

export const cases = [
  "inference",
  "classifier-cached",
  "third-cached",
  "third",
  "all-frozen",
  "all-batch",
] as const;
export type Case = (typeof cases)[number];

/** Lets torchvision write the network with random weights, once for each folder. */
export async function exportNetwork(network: NetworkName, folder: string): Promise<string> {
  const path = join(folder, `${network}.onnx`);
  if (existsSync(path)) return path;
  const torch = startTorch();
  await torch.export(network, path);
  await torch.stop();
  return path;
}

/** On a machine others use too, processor time on one thread is what can be compared. */
export interface Clock {
  readonly threads: number;
  /** Milliseconds. */
  now(): number;
}

export const wallClock: Clock = { threads: 2, now: () => performance.now() };
export const busyClock: Clock = {
  threads: 1,
  now() {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
};

export interface OpenCase {
  /** Milliseconds of one step. */
  step(): Promise<number>;
  /** Milliseconds it took to open the sessions. */
  readonly sessionMs: number;
  release(): Promise<void>;
}

export async function openCase(
  file: string,
  network: NetworkName,
  name: Case,
  clock: Clock,
): Promise<OpenCase> {
  const model = simplify(upgradeModel(await readModel(await readFile(file))));
  const picture = noise([BATCH, 3, SIZE, SIZE]);
  if (name === "inference") return openInference(foldBatchNorm(model), picture, clock);
  const shapes = await discoverShapes(onnxRuntime, model, picture.dims);
  if (name === "all-frozen" || name === "all-batch") {
    return openTraining(model, shapes, picture, name === "all-batch" ? "batch" : "frozen", clock);
  }
  const first = networks[network][name === "classifier-cached" ? "classifier" : "third"];
  const cut = model.graph.nodes.find((node) => node.inputs.includes(first))?.inputs[0] ?? "";
  const { prefix, suffix } = splitAt(model, {
    value: cut,
    dims: [1, ...(shapes.get(cut) ?? []).slice(1)],
  });
  const features = noise(shapes.get(cut) ?? []);
  const inner = await discoverShapes(onnxRuntime, suffix, features.dims);
  const training = await openTraining(suffix, inner, features, "frozen", clock);
  if (name !== "third" || prefix === undefined) return training;
  const frozen = await openInference(prefix, picture, clock);
  return {
    step: async () => (await frozen.step()) + (await training.step()),
    sessionMs: frozen.sessionMs + training.sessionMs,
    release: async () => {
      await frozen.release();
      await training.release();
    },
  };
}

async function openInference(model: Model, input: Tensor, clock: Clock): Promise<OpenCase> {
  const started = performance.now();
  const session = await onnxRuntime.open(writeModel(model), { threads: clock.threads });
  const sessionMs = performance.now() - started;
  const [name = ""] = session.inputs;
  return {
    step: () => timed(clock, () => session.run({ [name]: input })),
    sessionMs,
    release: () => session.release(),
  };
}

async function openTraining(
  network: Model,
  shapes: ReadonlyMap<string, readonly number[]>,
  input: Tensor<"float32">,
  batchNorm: "frozen" | "batch",
  clock: Clock,
): Promise<OpenCase> {
  const graph = buildTrainingGraph({
    network,
    logits: network.graph.outputs[0]?.name ?? "",
    groups: [
      {
        parameters: trainableParameters(network.graph),
        learningRateScale: 1,
        weightDecayScale: 1,
      },
    ],
    loss: { labelSmoothing: 0 },
    optimizer: { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 },
    batchNorm,
    shapes,
  });
  const started = performance.now();
  const stepper = await createStepper(onnxRuntime, graph, { threads: clock.threads });
  const sessionMs = performance.now() - started;
  const targets = new Float32Array(BATCH * CLASSES).fill(1 / CLASSES);
  const sampleWeights = new Float32Array(BATCH).fill(1);
  return {
    step: () =>
      timed(clock, () =>
        stepper.step({ features: input.data, targets, sampleWeights, learningRate: 1e-3 }),
      ),
    sessionMs,
    release: () => stepper.release(),
  };
}

async function timed(clock: Clock, run: () => Promise<unknown>): Promise<number> {
  const started = clock.now();
  await run();
  return clock.now() - started;
}

function noise(dims: readonly number[]): Tensor<"float32"> {
  const data = Float32Array.from({ length: elementCount(dims) }, () => Math.random() * 2 - 1);
  return float32(data, dims);
}
