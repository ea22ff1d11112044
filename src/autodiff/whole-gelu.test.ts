import { expect, test } from "vitest";
import { onnxRuntime } from "../node/onnxruntime.ts";
import { GraphBuilder } from "../onnx/build.ts";
import type { Graph } from "../onnx/graph.ts";
import { prune } from "../onnx/prune.ts";
import { writeModel } from "../onnx/write.ts";
import { randomTensor } from "./finite-differences.fixture.ts";
import { wholeGelu } from "./whole-gelu.ts";

function spelledOut(half: number): Graph {
  const build = new GraphBuilder(["x"]);
  const erf = build.add("Erf", [build.add("Div", ["x", build.scalar(Math.SQRT2)])]);
  const product = build.add("Mul", ["x", build.add("Add", [erf, build.scalar(1)])]);
  const y = build.add("Mul", [product, build.scalar(half)]);
  const info = (name: string) => ({ name, type: "float32", shape: [3, 5] }) as const;
  return build.build("gelu", [info("x")], [info(y)]);
}

async function run(graph: Graph) {
  const model = { opsets: new Map([["", 21]]), irVersion: 10, producer: "", metadata: new Map() };
  const session = await onnxRuntime.open(writeModel({ ...model, graph }), { threads: 1 });
  const [y] = Object.values(await session.run({ x: randomTensor([3, 5], 1) }));
  await session.release();
  return [...(y?.data ?? [])].map(Number);
}

test("a spelled-out GELU becomes one node with the same values", async () => {
  const whole = prune(wholeGelu(spelledOut(0.5)));
  expect(whole.nodes.map(({ op }) => op)).toEqual(["Gelu"]);
  const [expected, found] = [await run(spelledOut(0.5)), await run(whole)];
  expected.forEach((value, at) => {
    expect(found[at]).toBeCloseTo(value, 5);
  });
});

test("what only looks like one stays as it is", () => {
  const graph = spelledOut(0.25);
  expect(wholeGelu(graph).nodes).toEqual(graph.nodes);
});
