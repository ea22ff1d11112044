import { expect, test } from "vitest";
import { onnxRuntime } from "../node/onnxruntime.ts";
import { GraphBuilder } from "../onnx/build.ts";
import type { Graph } from "../onnx/graph.ts";
import { floats, modelOf } from "../onnx/models.fixture.ts";
import { prune } from "../onnx/prune.ts";
import { float32 } from "../onnx/tensor.ts";
import { writeModel } from "../onnx/write.ts";
import { randomTensor } from "./finite-differences.fixture.ts";
import { wholeLayerNorm } from "./whole-layer-norm.ts";

const dims = [2, 3, 5];

interface Spelling {
  readonly axis?: number;
  readonly power?: number;
  readonly product?: boolean;
  readonly turned?: boolean;
  readonly of?: "x" | "y";
  readonly scale?: readonly number[];
}

function spelledOut({
  axis = -1,
  power = 2,
  product = false,
  turned = false,
  of = "x",
  scale = [5],
}: Spelling = {}): Graph {
  const build = new GraphBuilder(["x", "y", "scale", "bias"]);
  const commutative = (op: string, a: string, b: string) => build.add(op, turned ? [b, a] : [a, b]);
  const mean = (value: string) => build.add("ReduceMean", [value, build.ints([axis])]);
  const centred = build.add("Sub", [of, mean("x")]);
  const exponent = build.scalar(power);
  const square = product ? ["Mul", centred] : ["Pow", exponent];
  const squares = build.add(square[0] ?? "", [centred, square[1] ?? ""]);
  const shifted = commutative("Add", mean(squares), build.scalar(1e-3));
  const normalized = build.add("Div", [centred, build.add("Sqrt", [shifted])]);
  build.initializers.set("scale", randomTensor(scale, 2));
  build.initializers.set("bias", randomTensor([5], 3));
  const output = commutative("Add", commutative("Mul", normalized, "scale"), "bias");
  return build.build("norm", [floats("x", dims), floats("y", dims)], [floats(output, dims)]);
}

async function run(graph: Graph) {
  const session = await onnxRuntime.open(writeModel(modelOf(graph)), { optimization: "none" });
  const [found] = Object.values(
    await session.run({ x: randomTensor(dims, 1, -1, 3), y: float32(new Float32Array(30), dims) }),
  );
  await session.release();
  return Array.from(found?.data ?? [], Number);
}

test.each<[string, Spelling]>([
  ["a power of two", {}],
  ["a product with itself", { product: true }],
  ["constants first", { turned: true, product: true }],
])(
  "a layer normalization spelled out with %s becomes one node with the same values",
  async (_, spelling) => {
    const whole = prune(wholeLayerNorm(spelledOut(spelling)));
    expect(whole.nodes.map(({ op }) => op)).toEqual(["LayerNormalization"]);
    const [expected, found] = [await run(spelledOut(spelling)), await run(whole)];
    expected.forEach((value, at) => {
      expect(found[at]).toBeCloseTo(value, 5);
    });
  },
);

test.each<[string, Spelling]>([
  ["the mean over another axis", { axis: 1 }],
  ["another power", { power: 4 }],
  ["the mean of another value", { of: "y" }],
  ["a scale for more than the last axis", { scale: [3, 5] }],
])("%s is none", (_, spelling) => {
  const graph = spelledOut(spelling);
  expect(wholeLayerNorm(graph).nodes).toEqual(graph.nodes);
});
