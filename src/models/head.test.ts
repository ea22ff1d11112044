import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { GraphBuilder } from "../onnx/build.ts";
import type { Model } from "../onnx/graph.ts";
import { readModel } from "../onnx/read.ts";
import { simplify } from "../onnx/simplify.ts";
import { float32, int64 } from "../onnx/tensor.ts";
import { candidateThawPoints, listCuts } from "./cuts.ts";
import { backboneFeatures } from "./features.ts";
import { replaceHead } from "./head.ts";
import { golden, pictures, run, shapesOf } from "./network.fixture.ts";

const shared = new URL("../../../shared/models/", import.meta.url);
const options = { classes: 4, dropout: 0.2, seed: 7 };

async function replaced(model: Model, more = {}) {
  return replaceHead(model, await shapesOf(model), { ...options, ...more });
}

/** A backbone [N, 3, 2, 2] whose end is written by `end`; returns the output's name. */
function network(
  end: (build: GraphBuilder) => string,
  weights: Record<string, number[]> = {},
): Model {
  const build = new GraphBuilder(["x", ...Object.keys(weights)]);
  for (const [name, dims] of Object.entries(weights)) {
    const size = dims.reduce((a, b) => a * b, 1);
    build.initializers.set(
      name,
      float32(
        Float32Array.from({ length: size }, (_, i) => i + 1),
        dims,
      ),
    );
  }
  const output = end(build);
  const graph = build.build(
    "network",
    [{ name: "x", type: "float32", shape: ["batch", 3, 2, 2] }],
    [{ name: output, type: "float32", shape: null }],
  );
  return { graph, opsets: new Map([["", 21]]), irVersion: 10, producer: "", metadata: new Map() };
}

const flatten = (build: GraphBuilder) =>
  build.add("Flatten", ["x"], { axis: 1 }, { output: "flat" });

describe("backboneFeatures", () => {
  it.each<[string, string, Model]>([
    [
      "Gemm and Softmax",
      "flat",
      network((b) => b.add("Softmax", [b.add("Gemm", [flatten(b), "w"])]), { w: [12, 5] }),
    ],
    [
      "MatMul and Add, bias first",
      "flat",
      network((b) => b.add("Add", ["bias", b.add("MatMul", [flatten(b), "w"])]), {
        w: [12, 5],
        bias: [5],
      }),
    ],
    [
      "Dropout before the classifier",
      "flat",
      network((b) => b.add("Gemm", [b.add("Dropout", [flatten(b)]), "w"]), { w: [12, 5] }),
    ],
    [
      "a pointwise convolution, pooled, of 1000 classes",
      "x",
      network(
        (b) =>
          b.add("Flatten", [
            b.add("GlobalAveragePool", [b.add("Relu", [b.add("Conv", ["x", "w"])])]),
          ]),
        { w: [1000, 3, 1, 1] },
      ),
    ],
    [
      "a pointwise convolution, pooled by ReduceMean, and Softmax",
      "x",
      network(
        (b) =>
          b.add("Softmax", [
            b.add("ReduceMean", [b.add("Conv", ["x", "w"]), b.ints([2, 3])], { keepdims: 0 }),
          ]),
        { w: [7, 3, 1, 1] },
      ),
    ],
    [
      "a pointwise convolution after pooling",
      "pooled",
      network(
        (b) => {
          const pooled = b.add("GlobalAveragePool", ["x"], {}, { output: "pooled" });
          const shape = b.constant(int64([0, -1]));
          return b.add("Reshape", [b.add("Conv", [pooled, "w"]), shape]);
        },
        { w: [7, 3, 1, 1] },
      ),
    ],
    [
      "no classifier: a pooled pointwise convolution of features",
      "Flatten",
      network((b) => b.add("Flatten", [b.add("GlobalAveragePool", [b.add("Conv", ["x", "w"])])]), {
        w: [64, 3, 1, 1],
      }),
    ],
  ])("before %s", async (_, features, model) => {
    expect(backboneFeatures(model, await shapesOf(model))).toBe(features);
  });
});

describe("replaceHead", () => {
  it.each(["resnet", "mobilenet_v3_small", "squeezenet", "densenet", "convnext", "vit"])(
    "gives %s a classifier of four classes",
    async (name) => {
      const model = await replaced(await golden(name));
      const { logits } = await run(model, pictures(model, 3));
      expect(logits?.dims).toEqual([3, 4]);
      const width = model.graph.initializers.get("head.weight")?.dims[1];
      const shapes = await shapesOf(model);
      const features = backboneFeatures(model, shapes);
      expect(shapes.get(features)).toEqual([1, width]);
      expect(candidateThawPoints(listCuts(model, shapes)).at(-1)?.value).toBe(features);
    },
  );

  it.skipIf(!existsSync(shared)).each([
    ["mobilenet_v2_035", 1280],
    ["squeezenet1_1", 512],
  ])("%s, as published (skipped without ../shared/models)", async (name, width) => {
    const file = new Uint8Array(readFileSync(new URL(`${name}/model.onnx`, shared)));
    const model = await replaced(simplify(await readModel(file)));
    expect(model.graph.initializers.get("head.weight")?.dims).toEqual([4, width]);
    const { logits } = await run(model, pictures(model, 2));
    expect(logits?.dims).toEqual([2, 4]);
  });

  it.each<[string, number, Model]>([
    ["a vector [N, D]", 12, network(flatten)],
    ["a feature map [N, C, H, W]", 3, network((b) => b.add("Relu", ["x"]))],
    ["tokens [N, T, D]", 4, network((b) => b.add("Reshape", ["x", b.constant(int64([0, 3, 4]))]))],
  ])("adds a classifier to a network that ends in %s", async (_, width, model) => {
    const headed = await replaced(model);
    expect(headed.graph.initializers.get("head.weight")?.dims).toEqual([4, width]);
    const { logits } = await run(headed, pictures(headed, 2));
    expect(logits?.dims).toEqual([2, 4]);
  });

  it("reads the class token where the tokens form no square, their mean where they do", async () => {
    const tokens = (count: number) =>
      network((b) => b.add("Reshape", ["x", b.constant(int64([0, count, 12 / count]))]));
    const ops = async (model: Model) => (await replaced(model)).graph.nodes.map(({ op }) => op);
    expect(await ops(tokens(3))).toContain("Gather");
    expect(await ops(tokens(4))).toContain("ReduceMean");
  });

  it("replaces a head of its own again, leaving nothing of the first", async () => {
    const first = await replaced(network(flatten), { hidden: 6 });
    const second = await replaced(first, { classes: 9 });
    expect(second.graph.nodes.map(({ op }) => op)).toEqual(["Flatten", "Dropout", "Gemm"]);
    expect([...second.graph.initializers.keys()].sort()).toEqual(
      expect.arrayContaining(["head.bias", "head.weight"]),
    );
    expect(second.graph.initializers.has("head.hidden.weight")).toBe(false);
    expect(second.graph.initializers.get("head.weight")?.dims).toEqual([9, 12]);
  });

  it("keeps names of the backbone apart from its own", async () => {
    const model = network((b) =>
      b.add("Flatten", ["x"], { axis: 1 }, { output: b.reserve("logits") }),
    );
    const headed = await replaced(model);
    const { logits } = await run(headed, pictures(headed, 2));
    expect(logits?.dims).toEqual([2, 4]);
  });

  it("starts from the seed alone, within PyTorch's bounds, biases at zero", async () => {
    const weights = async (seed: number) =>
      (await replaced(network(flatten), { seed, dropout: 0 })).graph.initializers;
    const a = (await weights(1)).get("head.weight");
    expect(a).toEqual((await weights(1)).get("head.weight"));
    expect(a).not.toEqual((await weights(2)).get("head.weight"));
    const values = [...(a?.data ?? [])].map(Number);
    expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(1 / Math.sqrt(12));
    expect(Math.max(...values)).toBeGreaterThan(0.15);
    expect(Math.min(...values)).toBeLessThan(-0.15);
    expect([...((await weights(1)).get("head.bias")?.data ?? [])]).toEqual([0, 0, 0, 0]);
  });

  it("refuses an output that is neither features nor classes", async () => {
    const model = network((b) => b.add("Reshape", ["x", b.constant(int64([0, 3, 2, 2, 1]))]));
    await expect(replaced(model)).rejects.toMatchObject({ fault: { code: "models/no-features" } });
  });
});
