import { describe, expect, test } from "vitest";
import { GraphBuilder } from "../src/onnx/build.ts";
import { float32, type Tensor } from "../src/onnx/tensor.ts";
import { fit } from "../src/train/fit.ts";
import { tinyFit, tinyNetwork } from "../src/train/tiny-task.fixture.ts";
import { autoRgnGroups, epochGradients } from "./auto-rgn.ts";

/** Two convolutions in a row; the second one's weights are twice as large. */
function twoLayers() {
  const build = new GraphBuilder(["image"]);
  const weight = (name: string, dims: readonly number[], value: number) =>
    build.constant(filled(dims, value), name);
  const first = build.add("Conv", ["image", weight("w1", [8, 4, 3, 3], 1), weight("b1", [8], 1)]);
  build.add("Conv", [first, weight("w2", [8, 8, 3, 3], 2), weight("b2", [8], 2)]);
  return build.build("network", [], []);
}

const filled = (dims: readonly number[], value: number) =>
  float32(new Float32Array(dims.reduce((a, b) => a * b, 1)).fill(value), dims);

describe("Auto-RGN", () => {
  const graph = twoLayers();
  const gradient = (name: string, value: number): [string, Tensor] => [
    name,
    filled(graph.initializers.get(name)?.dims ?? [], value),
  ];

  test("scales by gradient norm over weight norm, the largest being one", () => {
    // Layer 1: weights 1, gradient 4, ratio 4. Layer 2: weights 2, gradient 2, ratio 1.
    const groups = autoRgnGroups(
      graph,
      new Map([gradient("w1", 4), gradient("b1", 4), gradient("w2", 2), gradient("b2", 2)]),
    );
    const scale = (name: string) =>
      groups.find(({ parameters }) => parameters.includes(name))?.learningRateScale;
    expect(["w1", "b1", "w2"].map(scale)).toEqual([1, 1, 0.25]);
  });

  test("a layer without gradient stays frozen", () => {
    const groups = autoRgnGroups(graph, new Map([gradient("w1", 1), gradient("w2", 0)]));
    expect(groups.flatMap(({ parameters }) => parameters)).toEqual(["w1"]);
  });
});

test("an epoch's gradients are what one step of plain descent on one batch follows", async () => {
  const options = tinyFit({
    network: tinyNetwork(3),
    batchSize: 10,
    augmentation: "none",
    epochs: 1,
    warmup: 0,
    learningRate: 0.5,
    loss: { labelSmoothing: 0 },
    optimizer: { kind: "sgd", momentum: 0, nesterov: false, weightDecay: 0 },
  });
  const rates = new Map(
    options.groups.flatMap(({ parameters, learningRateScale }) =>
      parameters.map((name) => [name, 0.5 * learningRateScale] as const),
    ),
  );
  const gradients = await epochGradients(options);
  const { weights } = await fit(options);
  expect([...gradients.keys()].sort()).toEqual([...rates.keys()].sort());
  for (const [name, gradient] of gradients) {
    const before = options.network.graph.initializers.get(name);
    const after = weights.get(name);
    for (let i = 0; i < gradient.data.length; i++) {
      const step = Number(before?.data[i]) - Number(after?.data[i]);
      expect(step).toBeCloseTo((rates.get(name) ?? 0) * Number(gradient.data[i]), 6);
    }
    expect(gradient.data.some((value) => value !== 0)).toBe(true);
  }
});
