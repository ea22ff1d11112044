import { describe, expect, test } from "vitest";
import { GraphBuilder } from "../onnx/build.ts";
import { elementCount, float32 } from "../onnx/tensor.ts";
import { layerDecayGroups, parameterBlocks } from "./parameter-groups.ts";

/** Two convolutions, the second on a branch that is added back, then a classifier. */
function network() {
  const build = new GraphBuilder(["image"]);
  const weight = (name: string, dims: readonly number[], value = 1) =>
    build.constant(
      float32(new Float32Array(dims.reduce((a, b) => a * b, 1)).fill(value), dims),
      name,
    );
  const first = build.add("Conv", ["image", weight("w1", [8, 4, 3, 3]), weight("b1", [8])]);
  const second = build.add("Conv", [first, weight("w2", [8, 8, 3, 3], 2), weight("b2", [8], 2)]);
  const norm = build.add("BatchNormalization", [
    second,
    weight("scale", [8], 7),
    weight("shift", [8], 3),
    weight("mean", [8], 4),
    weight("variance", [8], 5),
  ]);
  const sum = build.add("Add", [first, norm]);
  build.add("Gemm", [sum, weight("w3", [9, 8]), weight("b3", [9], 6)], {}, { output: "logits" });
  return { graph: build.build("network", [], []), first, sum };
}

describe("layer-wise learning-rate decay", () => {
  const { graph, first, sum } = network();
  const rates = new Map(
    layerDecayGroups(graph, [first, sum], 0.5).flatMap((group) =>
      group.parameters.map((name) => [name, group] as const),
    ),
  );

  test("halves the rate a block away from the head", () => {
    const scale = (name: string) => rates.get(name)?.learningRateScale;
    expect([scale("w3"), scale("w2"), scale("scale"), scale("w1")]).toEqual([1, 0.5, 0.5, 0.25]);
  });

  test("weights of small root mean square learn more slowly, those of the head do not", () => {
    const initializers = new Map(graph.initializers);
    for (const name of ["w1", "w2", "w3", "b1"]) {
      const { dims } = graph.initializers.get(name) ?? { dims: [] };
      const value = name === "w2" ? 0 : 0.02;
      initializers.set(name, float32(new Float32Array(elementCount(dims)).fill(value), dims));
    }
    const small = layerDecayGroups({ ...graph, initializers }, [first, sum], 0.5);
    const scale = (name: string) =>
      small.find(({ parameters }) => parameters.includes(name))?.learningRateScale;
    expect(scale("w1")).toBeCloseTo(0.2 * 0.25, 6);
    expect(scale("w2")).toBeCloseTo(0.01 * 0.5, 6);
    expect([scale("b1"), scale("w3")]).toEqual([0.25, 1]);
  });

  test("decays weights only, not biases and norms", () => {
    const decay = (name: string) => rates.get(name)?.weightDecayScale;
    expect([decay("w1"), decay("w2"), decay("w3")]).toEqual([1, 1, 1]);
    expect([decay("b1"), decay("scale"), decay("shift"), decay("b3")]).toEqual([0, 0, 0, 0]);
  });

  test("leaves statistics alone", () => {
    expect(rates.has("mean") || rates.has("variance")).toBe(false);
  });

  test("a decay of one makes one rate, so two groups", () => {
    expect(layerDecayGroups(graph, [first, sum], 1)).toHaveLength(2);
  });

  test("blocks count the cuts passed, branches included", () => {
    const blocks = parameterBlocks(graph, [first, sum]);
    expect(["w1", "w2", "scale", "b3"].map((name) => blocks.get(name))).toEqual([0, 1, 1, 2]);
  });
});
