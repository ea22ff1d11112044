import { expect, test } from "vitest";
import { GraphBuilder } from "../onnx/build.ts";
import type { Graph } from "../onnx/graph.ts";
import { poolFirst } from "./pool-first.ts";

const window = { kernel_shape: [2, 2], strides: [2, 2] };
const info = (name: string) => ({ name, type: "float32", shape: null }) as const;

function bounded(readTwice: boolean): Graph {
  const build = new GraphBuilder(["x"]);
  const relu = build.add("Relu", ["x"], {}, { output: "relu" });
  const y = build.add("MaxPool", [relu], window, { output: "y" });
  const other = readTwice ? [info(build.add("Abs", [relu]))] : [];
  return build.build("pooling", [info("x")], [info(y), ...other]);
}

test("MaxPool runs before the Relu it follows, under the same names", () => {
  const shapes = new Map([
    ["relu", [1, 1, 4, 4]],
    ["y", [1, 1, 2, 2]],
  ]);
  const { nodes } = poolFirst(bounded(false), shapes);
  expect(nodes.map(({ op, inputs, outputs }) => [op, ...inputs, ...outputs])).toEqual([
    ["MaxPool", "x", "relu"],
    ["Relu", "relu", "y"],
  ]);
  expect(shapes.get("relu")).toEqual([1, 1, 2, 2]);
});

test("a Relu that others read stays where it is", () => {
  const graph = bounded(true);
  expect(poolFirst(graph, new Map()).nodes).toEqual(graph.nodes);
});
