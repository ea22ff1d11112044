import { describe, expect, test } from "vitest";
import { onnxRuntime } from "../../node/onnxruntime.ts";
import { GraphBuilder } from "../../onnx/build.ts";
import type { Model } from "../../onnx/graph.ts";
import { floats, modelOf } from "../../onnx/models.fixture.ts";
import { writeModel } from "../../onnx/write.ts";
import { blockSize } from "../../runtime/block-size.ts";
import { randomTensor } from "../finite-differences.fixture.ts";
import { differentiate } from "../reverse.ts";
import { blockLayout } from "./block-layout.ts";
import { NCHWC } from "./values.ts";

const block = await blockSize(onnxRuntime);

interface Layer {
  readonly inner: number;
  readonly outer: number;
  readonly kernel: readonly number[];
  readonly stride?: number;
  readonly group?: number;
}

/** x [2, inner, 8, 8], through Relu, convolved; outputs y and the gradient of x for any dy. */
function inputGradient({ inner, outer, kernel, stride = 1, group = 1 }: Layer) {
  const build = new GraphBuilder(["x", "w", "dy", "y"]);
  const pads = [...kernel, ...kernel].map((size) => size >> 1);
  const attributes = { kernel_shape: kernel, strides: [stride, stride], pads, group };
  const relu = build.add("Relu", ["x"]);
  build.add("Conv", [relu, "w"], attributes, { output: "y" });
  const dims = new Map([
    ["x", [2, inner, 8, 8]],
    [relu, [2, inner, 8, 8]],
    ["w", [outer, inner / group, ...kernel]],
    ["y", [2, outer, 8 / stride, 8 / stride]],
  ]);
  dims.set("dy", dims.get("y") ?? []);
  const gradients = differentiate(
    { nodes: [...build.nodes], dims: (value) => dims.get(value) ?? [], constant: () => undefined },
    build,
    new Set(["x"]),
    new Map([["y", "dy"]]),
  );
  const info = (name: string) => floats(name, dims.get(name) ?? []);
  const dx = floats(gradients.get("x") ?? "", dims.get("x") ?? []);
  const inputs = ["x", "w", "dy"].map(info);
  return { dims, model: modelOf(build.build("layer", inputs, [info("y"), dx])) };
}

async function run(model: Model, dims: ReadonlyMap<string, readonly number[]>) {
  const session = await onnxRuntime.open(writeModel(model), { optimization: "none" });
  const results = await session.run(
    Object.fromEntries(
      ["x", "w", "dy"].map((name, seed) => [name, randomTensor(dims.get(name) ?? [], seed + 1)]),
    ),
  );
  await session.release();
  return Object.values(results).map((tensor) => Array.from(tensor.data, Number));
}

describe.skipIf(block === undefined)("weights of blocked convolutions", () => {
  test.each<[string, Layer, blocked: number, wholeBlocks: boolean]>([
    ["1x1, whole blocks", { inner: 32, outer: 48, kernel: [1, 1] }, 2, true],
    ["1x1, blocks to fill", { inner: 20, outer: 24, kernel: [1, 1] }, 2, true],
    ["3x3, whole blocks", { inner: 32, outer: 48, kernel: [3, 3] }, 2, true],
    ["3x3, blocks to fill", { inner: 20, outer: 28, kernel: [3, 3] }, 2, true],
    ["1x3", { inner: 20, outer: 28, kernel: [1, 3] }, 2, true],
    ["5x3", { inner: 20, outer: 28, kernel: [5, 3] }, 2, true],
    ["odd channels inside", { inner: 18, outer: 20, kernel: [3, 3] }, 1, false],
    ["3x3 of stride 2", { inner: 20, outer: 40, kernel: [3, 3], stride: 2 }, 5, true],
    ["a 7x7 stem", { inner: 3, outer: 20, kernel: [7, 7] }, 2, false],
    ["a 7x7 stem of stride 2", { inner: 3, outer: 20, kernel: [7, 7], stride: 2 }, 1, false],
    ["few channels outside", { inner: 20, outer: 6, kernel: [3, 3] }, 2, false],
    ["depthwise", { inner: 20, outer: 20, kernel: [3, 3], group: 20 }, 2, false],
    ["grouped", { inner: 20, outer: 20, kernel: [3, 3], group: 5 }, 0, false],
  ])("%s: result and input gradient are the plain ones", async (_, layer, count, wholeBlocks) => {
    const { dims, model } = inputGradient(layer);
    const blocked = blockLayout(model, block ?? 16);
    const { nodes } = blocked.graph;
    expect(nodes.filter(({ op, domain }) => op === "Conv" && domain === NCHWC.domain)).toHaveLength(
      count,
    );
    const reads = nodes.filter(({ inputs }) => inputs.includes("w")).map(({ op }) => op);
    if (wholeBlocks) expect(reads).not.toContain("Transpose");
    const [expected, found] = [await run(model, dims), await run(blocked, dims)];
    expected.forEach((values, output) => {
      const errors = values.map((value, at) =>
        Math.abs(value - (found[output]?.[at] ?? Number.NaN)),
      );
      expect(Math.max(...errors)).toBeLessThan(1e-4);
    });
  });
});
