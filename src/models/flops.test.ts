import { expect, it } from "vitest";
import { GraphBuilder } from "../onnx/build.ts";
import { multiplyAdds } from "./flops.ts";
import { golden } from "./network.fixture.ts";
import { trainableParameters } from "./parameters.ts";

it.each<[string, Record<string, number | string>, number[][], number]>([
  [
    "Conv",
    { group: 2 },
    [
      [1, 4, 8, 8],
      [6, 2, 3, 3],
      [1, 6, 8, 8],
    ],
    6 * 64 * 2 * 9,
  ],
  [
    "ConvTranspose",
    {},
    [
      [1, 4, 5, 5],
      [4, 3, 2, 2],
      [1, 3, 10, 10],
    ],
    100 * 3 * 4,
  ],
  [
    "Gemm",
    { transB: 1 },
    [
      [1, 10],
      [7, 10],
      [1, 7],
    ],
    70,
  ],
  [
    "Gemm",
    { transA: 1 },
    [
      [10, 1],
      [10, 7],
      [1, 7],
    ],
    70,
  ],
  [
    "MatMul",
    {},
    [
      [2, 5, 3],
      [2, 3, 4],
      [2, 5, 4],
    ],
    2 * 5 * 4 * 3,
  ],
  [
    "Einsum",
    { equation: "bij,bjk->bik" },
    [
      [2, 5, 3],
      [2, 3, 4],
      [2, 5, 4],
    ],
    2 * 5 * 4 * 3,
  ],
  ["Relu", {}, [[1, 4], [1], [1, 4]], 0],
])("counts the multiply-adds of %s %o", (op, attributes, [a = [], b = [], c = []], expected) => {
  const build = new GraphBuilder();
  build.add(op, ["a", "b"], attributes, { output: "c" });
  const shapes = new Map([
    ["a", a],
    ["b", b],
    ["c", c],
  ]);
  const [node] = build.nodes;
  expect(node && multiplyAdds(node, shapes)).toBe(expected);
});

it("counts weights, biases and norm scales as parameters, not running statistics", async () => {
  const { graph } = await golden("resnet");
  const names = trainableParameters(graph);
  expect(names).toContain("conv1.weight");
  expect(names).toContain("bn1.bias");
  expect(names).toContain("fc.weight");
  expect(names.filter((name) => name.includes("running"))).toEqual([]);
  const vit = trainableParameters((await golden("vit")).graph);
  expect(vit).toContain("encoder.pos_embedding");
});
