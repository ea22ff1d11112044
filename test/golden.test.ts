import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { buildTrainingGraph } from "../src/autodiff/build-training-graph.ts";
import type { Optimizer, TrainingSpec } from "../src/autodiff/training-graph.ts";
import { readSafetensors } from "../src/models/safetensors.ts";
import { onnxRuntime } from "../src/node/onnxruntime.ts";
import { readModel } from "../src/onnx/read.ts";
import { simplify } from "../src/onnx/simplify.ts";
import type { Tensor } from "../src/onnx/tensor.ts";
import { upgradeModel } from "../src/onnx/upgrade.ts";
import { discoverShapes } from "../src/runtime/shapes.ts";
import { createStepper, type Stepper } from "../src/runtime/stepper.ts";

const TOLERANCE = 1e-4;
/** Below this share of the network's largest gradient, float64's own gradient is rounding noise. */
const ZERO = 1e-9;

const networks = [
  "resnet",
  "resnet_bottleneck",
  "mobilenet_v2",
  "mobilenet_v3_small",
  "squeezenet",
  "densenet",
  "convnext",
  "vit",
];

const adamw: Optimizer = {
  kind: "adamw",
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0.01,
};
const sgd: Optimizer = { kind: "sgd", momentum: 0.9, nesterov: false, weightDecay: 1e-3 };
const plain: Optimizer = { ...sgd, weightDecay: 0 };

async function load(name: string) {
  const file = (extension: string) =>
    new Uint8Array(readFileSync(new URL(`fixtures/golden/${name}.${extension}`, import.meta.url)));
  const network = simplify(upgradeModel(await readModel(file("onnx"))));
  const golden = readSafetensors(file("safetensors"));
  const values = (key: string): Float32Array => {
    const tensor = golden.tensors.get(key);
    if (tensor?.type !== "float32") throw new Error(`${name} has no golden ${key}`);
    return tensor.data;
  };
  const dims = golden.tensors.get("input")?.dims ?? [];
  const shapes = await discoverShapes(onnxRuntime, network, dims);
  const under = (prefix: string) =>
    [...golden.tensors.keys()].flatMap((key) =>
      key.startsWith(prefix) ? [key.slice(prefix.length)] : [],
    );
  return { network, shapes, values, under, batch: dims[0] ?? 1 };
}

type Golden = Awaited<ReturnType<typeof load>>;

async function open(
  golden: Golden,
  mode: "frozen" | "batch",
  optimizer: Optimizer,
  change: Pick<TrainingSpec, "clipNorm"> = {},
) {
  const spec: TrainingSpec = {
    network: golden.network,
    logits: "logits",
    groups: [
      {
        parameters: golden.under("frozen/gradient/"),
        learningRateScale: 1,
        weightDecayScale: 1,
      },
    ],
    loss: { labelSmoothing: 0 },
    optimizer,
    batchNorm: mode,
    shapes: golden.shapes,
    ...change,
  };
  const graph = buildTrainingGraph(spec);
  return { graph, stepper: await createStepper(onnxRuntime, graph, { threads: 2 }) };
}

function stepOn(stepper: Stepper, golden: Golden, learningRate: number) {
  return stepper.step({
    features: golden.values("input"),
    targets: golden.values("targets"),
    sampleWeights: new Float32Array(golden.batch).fill(1),
    learningRate,
  });
}

/** Largest difference relative to the largest expected value, or to `scale` where that is zero. */
function error(found: Tensor | undefined, expected: Float32Array, scale: number): number {
  let [largest, difference] = [0, 0];
  expected.forEach((value, index) => {
    largest = Math.max(largest, Math.abs(value));
    difference = Math.max(difference, Math.abs(Number(found?.data[index]) - value));
  });
  return difference / (largest > ZERO * scale ? largest : scale);
}

describe.each(networks)("%s against PyTorch in float64", async (name) => {
  const golden = await load(name);
  const modes = (["frozen", "batch"] as const).filter(
    (mode) => golden.under(`${mode}/loss`).length > 0,
  );

  test.each(modes)("gradients of every parameter, %s BatchNorm", async (mode) => {
    const { graph, stepper } = await open(golden, mode, plain);
    const { loss } = await stepOn(stepper, golden, 0);
    const [expectedLoss = 0] = golden.values(`${mode}/loss`);
    expect(Math.abs(loss / expectedLoss - 1)).toBeLessThan(TOLERANCE);

    const parameters = golden.under(`${mode}/gradient/`);
    const expected = (parameter: string) => golden.values(`${mode}/gradient/${parameter}`);
    const scale = Math.max(...parameters.flatMap((key) => [...expected(key)].map(Math.abs)));
    // After the first step of SGD without weight decay, the momentum is the gradient.
    const momentum = new Map(
      graph.state.flatMap((state) =>
        state.role === "first-moment" ? [[state.parameter, state.input]] : [],
      ),
    );
    const state = stepper.state();
    const errors = parameters.map((parameter) => ({
      parameter,
      error: error(state.get(momentum.get(parameter) ?? ""), expected(parameter), scale),
    }));
    expect(errors.filter((found) => !(found.error <= TOLERANCE))).toEqual([]);

    const found = stepper.parameters();
    const running = mode === "batch" ? golden.under("batch/running/") : [];
    const wrong = running.filter(
      (key) => !(error(found.get(key), golden.values(`batch/running/${key}`), 1) <= TOLERANCE),
    );
    expect(wrong).toEqual([]);
    await stepper.release();
  });

  test.each(
    modes.flatMap((mode) => [
      { mode, curve: "adamw", optimizer: adamw, learningRate: 1e-3 },
      { mode, curve: "sgd", optimizer: sgd, learningRate: 3e-3 },
    ]),
  )("ten $curve steps, $mode BatchNorm", async ({ mode, curve, optimizer, learningRate }) => {
    const { stepper } = await open(golden, mode, optimizer);
    const found: number[] = [];
    for (const _ of golden.values(`${mode}/${curve}`)) {
      found.push((await stepOn(stepper, golden, learningRate)).loss);
    }
    await stepper.release();
    const expected = [...golden.values(`${mode}/${curve}`)];
    const errors = expected.map((value, step) => Math.abs((found[step] ?? 0) / value - 1));
    expect(Math.max(...errors)).toBeLessThan(TOLERANCE);
  });
});
