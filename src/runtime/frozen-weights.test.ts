import { describe, expect, test } from "vitest";
import { buildTrainingGraph } from "../autodiff/build-training-graph.ts";
import { randomTensor } from "../autodiff/finite-differences.fixture.ts";
import { batchOf, trainingSpec } from "../autodiff/networks.fixture.ts";
import { onnxRuntime } from "../node/onnxruntime.ts";
import { GraphBuilder } from "../onnx/build.ts";
import type { Model } from "../onnx/graph.ts";
import { floats, modelOf } from "../onnx/models.fixture.ts";
import { readModel } from "../onnx/read.ts";
import { float32 } from "../onnx/tensor.ts";
import { writeModel } from "../onnx/write.ts";
import { withTensors } from "../train/export.ts";
import { blockSize } from "./block-size.ts";
import type { Runtime } from "./session.ts";
import { createStepper } from "./stepper.ts";

const [BATCH, CHANNELS, CLASSES] = [4, 16, 3];
const block = await blockSize(onnxRuntime);

/** A dense and a depthwise convolution, each with its norm, and a classifier. */
function network(): Model {
  const build = new GraphBuilder(["image", "logits"]);
  const parameter = (name: string, dims: readonly number[], low = -0.5, high = 0.5) => {
    build.reserve(name);
    build.initializers.set(name, randomTensor(dims, name.length * 7 + dims.length, low, high));
    return name;
  };
  const norm = (x: string, name: string) =>
    build.add("BatchNormalization", [
      x,
      parameter(`${name}.scale`, [CHANNELS], 0.5, 1.5),
      parameter(`${name}.bias`, [CHANNELS]),
      parameter(`${name}.mean`, [CHANNELS]),
      parameter(`${name}.var`, [CHANNELS], 0.5, 2),
    ]);
  const pads = [1, 1, 1, 1];
  const dense = build.add("Conv", ["image", parameter("dense", [CHANNELS, 3, 3, 3])], { pads });
  const first = build.add("Relu", [norm(dense, "bn1")]);
  const kernels = parameter("depthwise", [CHANNELS, 1, 3, 3]);
  const depthwise = build.add("Conv", [first, kernels], { pads, group: CHANNELS });
  const second = build.add("Relu", [norm(depthwise, "bn2")]);
  const flat = build.add("Flatten", [build.add("GlobalAveragePool", [second])]);
  const head = [parameter("head.weight", [CLASSES, CHANNELS]), parameter("head.bias", [CLASSES])];
  build.add("Gemm", [flat, ...head], { transB: 1 }, { output: "logits" });
  return modelOf(
    build.build("network", [floats("image", ["n", 3, 8, 8])], [floats("logits", ["n", CLASSES])]),
  );
}

/** The names of the initializers whose bytes differ. */
function changed(before: Model, after: Model): string[] {
  return [...before.graph.initializers].flatMap(([name, { data }]) =>
    Buffer.compare(bytes(data), bytes(after.graph.initializers.get(name)?.data)) === 0
      ? []
      : [name],
  );
}

function bytes(data: unknown): Uint8Array {
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : expect.fail("no bytes");
}

const head = ["head.weight", "head.bias"];

describe("training in the layout the machine runs fastest", () => {
  test.each([
    ["the head", head],
    ["the depthwise convolution and the head", ["depthwise", ...head]],
    ["the dense convolution and the head", ["dense", ...head]],
    ["a norm's scale and bias behind a frozen convolution", ["bn2.scale", "bn2.bias"]],
    ["every convolution, no norm", ["dense", "depthwise", ...head]],
  ])("moves %s and not a bit of anything else", async (_, trained) => {
    const opened: Uint8Array[] = [];
    const runtime: Runtime = {
      open(model, options) {
        opened.push(model);
        return onnxRuntime.open(model, options);
      },
    };
    const before = network();
    const untouched = structuredClone(before);
    const groups = [{ parameters: trained, learningRateScale: 1, weightDecayScale: 1 }];
    const graph = buildTrainingGraph(await trainingSpec({ network: before, batch: BATCH, groups }));
    const stepper = await createStepper(runtime, graph, { threads: 1 });
    expect(new TextDecoder().decode(opened.at(-1)).includes("ReorderInput")).toBe(
      block !== undefined,
    );

    for (let seed = 1; seed <= 5; seed++) await stepper.step(batchOf(BATCH, { seed }));
    const after = writeModel(withTensors(before, stepper.parameters()));
    const rest = { ...batchOf(BATCH, { seed: 6 }), learningRate: 0 };
    const logits = [...(await stepper.step(rest)).logits];
    await stepper.release();

    expect(changed(untouched, before)).toEqual([]);
    expect(changed(untouched, await readModel(after)).toSorted()).toEqual(trained.toSorted());
    // What the session itself holds of the frozen layers shows in its logits alone.
    const exported = await onnxRuntime.open(after, { threads: 1 });
    const result = await exported.run({ image: float32(rest.features, [BATCH, 3, 8, 8]) });
    await exported.release();
    logits.forEach((value, at) => {
      expect(value).toBeCloseTo(Number(result.logits?.data[at]), 4);
    });
  });
});
