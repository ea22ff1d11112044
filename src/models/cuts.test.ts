import { describe, expect, it } from "vitest";
import { GraphBuilder } from "../onnx/build.ts";
import type { Model } from "../onnx/graph.ts";
import { float32 } from "../onnx/tensor.ts";
import { candidateThawPoints, listCuts } from "./cuts.ts";
import { golden, shapesOf } from "./network.fixture.ts";
import { splitAt } from "./split.ts";

/** input -> Conv a -> Relu -> (Conv b, skip) -> Add -> pooled -> Gemm, nodes named as given. */
function residual(names: (layer: string) => string): Model {
  const build = new GraphBuilder(["x", "logits"]);
  const kernel = (layer: string) => {
    const name = names(layer);
    build.initializers.set(
      build.reserve(name),
      float32(new Float32Array(9).fill(0.1), [3, 3, 1, 1]),
    );
    return name;
  };
  const a = build.add("Conv", ["x", kernel("a")], {}, { output: "a" });
  const relu = build.add("Relu", [a], {}, { output: "relu" });
  const b = build.add("Conv", [relu, kernel("b")], {}, { output: "b" });
  const sum = build.add("Add", [b, relu], {}, { output: "sum" });
  const pooled = build.add("GlobalAveragePool", [sum], {}, { output: "pooled" });
  const flat = build.add("Flatten", [pooled], { axis: 1 }, { output: "flat" });
  build.initializers.set(build.reserve("fc"), float32([1, 2, 3, 4, 5, 6], [2, 3]));
  build.add("Gemm", [flat, "fc"], { transB: 1 }, { output: "logits" });
  const graph = build.build(
    "residual",
    [{ name: "x", type: "float32", shape: ["batch", 3, 4, 4] }],
    [{ name: "logits", type: "float32", shape: ["batch", 2] }],
  );
  return { graph, opsets: new Map([["", 21]]), irVersion: 10, producer: "", metadata: new Map() };
}

describe("listCuts", () => {
  it("finds the tensors no branch goes around, in depth order, up to the classifier", async () => {
    const model = residual((layer) => `onnx::Conv_${layer}`);
    const cuts = listCuts(model, await shapesOf(model));
    expect(cuts.map(({ value }) => value)).toEqual(["x", "a", "relu", "sum", "pooled", "flat"]);
    expect(cuts.map(({ depth }) => depth)).toEqual([0, 1, 2, 4, 5, 6]);
    expect(cuts.map(({ parametersBefore }) => parametersBefore)).toEqual([0, 9, 9, 18, 18, 18]);
    expect(cuts.map(({ parametersAfter }) => parametersAfter)).toEqual([24, 15, 15, 6, 6, 6]);
    // 1x1 convolutions on 4x4 pixels: 3 * 3 * 16 multiply-adds each; the classifier: 2 * 3.
    expect(cuts.map(({ flopsBefore }) => flopsBefore)).toEqual([0, 144, 144, 288, 288, 288]);
    expect(cuts[0]?.flopsAfter).toBe(294);
    expect(cuts[3]?.dims).toEqual([1, 3, 4, 4]);
  });

  it("is not led astray by what else a network puts out", async () => {
    const model = residual((layer) => `onnx::Conv_${layer}`);
    const early = { name: "relu", type: "float32", shape: ["batch", 3, 4, 4] } as const;
    const outputs = [...model.graph.outputs, early];
    const branched: Model = { ...model, graph: { ...model.graph, outputs } };
    expect(listCuts(branched, await shapesOf(branched))).toEqual(
      listCuts(model, await shapesOf(model)),
    );
  });

  it("cuts nowhere between two uses of one parameter", async () => {
    const model = residual(() => "tied");
    const values = listCuts(model, await shapesOf(model)).map(({ value }) => value);
    expect(values).toEqual(["x", "sum", "pooled", "flat"]);
  });

  it("agrees with removing each tensor in turn", async () => {
    for (const name of ["resnet", "densenet", "squeezenet", "vit"]) {
      const model = await golden(name);
      const shapes = await shapesOf(model);
      const cuts = listCuts(model, shapes);
      const found = new Set(cuts.map(({ value }) => value));
      const depth = cuts.at(-1)?.value;
      const before = model.graph.nodes.findIndex((node) => node.outputs.includes(depth ?? ""));
      for (const node of model.graph.nodes.slice(0, before + 1)) {
        const [value = ""] = node.outputs;
        if (shapes.get(value)?.[0] !== 1) continue;
        expect([name, value, found.has(value)]).toEqual([
          name,
          value,
          !reachesOutput(model, value),
        ]);
      }
    }
  });
});

/** Whether the output still depends on the image when `removed` is given as a constant. */
function reachesOutput(model: Model, removed: string): boolean {
  const reached = new Set(model.graph.inputs.map(({ name }) => name));
  for (const node of model.graph.nodes) {
    if (!node.inputs.some((input) => reached.has(input))) continue;
    for (const output of node.outputs) if (output !== removed) reached.add(output);
  }
  return model.graph.outputs.some(({ name }) => reached.has(name));
}

describe("candidateThawPoints", () => {
  it.each([
    ["resnet", ["input", "conv1", "layer1", "layer2", "layer3", "layer4"]],
    ["mobilenet_v3_small", ["input", "features.0", "features.1", "features.2"]],
    ["vit", ["input", "conv_proj", "encoder.layers.encoder_layer_0"]],
  ])("names the blocks of %s as its makers do", async (name, first) => {
    const model = await golden(name);
    const points = candidateThawPoints(listCuts(model, await shapesOf(model)), 50);
    expect(points.slice(0, first.length).map((point) => point.name)).toEqual(first);
  });

  it("keeps both ends and spreads the rest evenly", () => {
    const cuts = Array.from({ length: 41 }, (_, at) => ({
      value: `v${at}`,
      name: `block ${Math.floor(at / 2)}`,
      depth: at,
      dims: [1],
      parametersBefore: 0,
      parametersAfter: 0,
      flopsBefore: 0,
      flopsAfter: 0,
    }));
    const points = candidateThawPoints(cuts, 6);
    expect(points.map(({ value }) => value)).toEqual(["v1", "v9", "v17", "v25", "v33", "v40"]);
    expect(candidateThawPoints(points.slice(0, 3), 6)).toEqual(points.slice(0, 3));
  });

  it("numbers blocks at junctions where the file has no names", async () => {
    const model = residual((layer) => `onnx::Conv_${layer}`);
    const bare = {
      ...model,
      graph: { ...model.graph, nodes: model.graph.nodes.map((node) => ({ ...node, name: "" })) },
    };
    const points = candidateThawPoints(listCuts(bare, await shapesOf(bare)));
    expect(points.map(({ name, value }) => [name, value])).toEqual([
      ["input", "x"],
      ["block 1", "relu"],
      ["block 2", "flat"],
    ]);
  });
});

describe("splitAt", () => {
  it("freezes nothing at the input", async () => {
    const model = residual((layer) => layer.repeat(2));
    const [input] = listCuts(model, await shapesOf(model));
    if (input === undefined) throw new Error("no cut");
    expect(splitAt(model, input)).toEqual({ suffix: model });
  });
});
