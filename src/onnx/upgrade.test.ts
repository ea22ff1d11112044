import { describe, expect, test } from "vitest";
import { type AttributeInput, GraphBuilder } from "./build.ts";
import type { Model } from "./graph.ts";
import { floats, modelOf } from "./models.fixture.ts";
import { feedsFor, run } from "./run.fixture.ts";
import { float32, int64, type Tensor } from "./tensor.ts";
import { upgradeModel, WORKING_OPSET } from "./upgrade.ts";

interface Case {
  readonly op: string;
  readonly opset: number;
  readonly input?: readonly number[];
  /** Constant inputs after the first; null leaves one out. */
  readonly constants?: readonly (Tensor | null)[];
  readonly attributes?: Readonly<Record<string, AttributeInput>>;
  readonly outputs?: number;
  /** Operators of the upgraded network. */
  readonly becomes?: readonly string[];
  readonly why?: string;
}

const image = [2, 4, 5, 6];
const wave = (dims: readonly number[], seed: number, offset = 0) =>
  float32(
    Float32Array.from(
      { length: dims.reduce((a, b) => a * b, 1) },
      (_, i) => Math.sin(i * seed) / 2 + offset,
    ),
    dims,
  );
const empty = float32([], [0]);

const reductions = ["L1", "L2", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare"];
const flattened = ["Softmax", "LogSoftmax", "Hardmax"];

const cases: readonly Case[] = [
  ...reductions.flatMap((name): Case[] => [
    { op: `Reduce${name}`, opset: 11, attributes: { axes: [1, -1], keepdims: 0 } },
    { op: `Reduce${name}`, opset: name === "Sum" ? 12 : 17, why: "all axes" },
    { op: `Reduce${name}`, opset: 12, attributes: { axes: [2, 3] } },
  ]),
  ...flattened.flatMap((op): Case[] => [
    { op, opset: 11, input: [3, 7], becomes: [op], why: "two dimensions, default axis" },
    { op, opset: 12, becomes: ["Flatten", op, "Shape", "Reshape"], why: "default axis" },
    { op, opset: 12, attributes: { axis: -1 }, becomes: [op] },
    { op, opset: 12, attributes: { axis: 3 }, becomes: [op] },
    { op, opset: 12, attributes: { axis: 2 } },
    { op, opset: 12, attributes: { axis: -3 } },
    { op, opset: 12, attributes: { axis: 0 } },
    { op, opset: 13, attributes: { axis: 1 }, becomes: [op] },
  ]),
  { op: "Squeeze", opset: 11, input: [2, 1, 3, 1], attributes: { axes: [1] } },
  { op: "Squeeze", opset: 12, input: [2, 1, 3, 1], why: "all ones" },
  { op: "Unsqueeze", opset: 12, attributes: { axes: [0, -1] } },
  { op: "Split", opset: 11, attributes: { axis: 3, split: [1, 2, 3] }, outputs: 3 },
  { op: "Split", opset: 12, attributes: { axis: 1 }, outputs: 2, why: "equal parts" },
  { op: "Split", opset: 13, constants: [int64([1, 3])], attributes: { axis: 1 }, outputs: 2 },
  { op: "Split", opset: 17, attributes: { axis: -1 }, outputs: 3, why: "equal parts" },
  { op: "Dropout", opset: 11, attributes: { ratio: 0.3 } },
  { op: "Dropout", opset: 13, constants: [float32([0.3], [])] },
  {
    op: "BatchNormalization",
    opset: 11,
    constants: [wave([4], 1, 1), wave([4], 2), wave([4], 3), wave([4], 5, 1)],
    attributes: { epsilon: 0.001, momentum: 0.9 },
  },
  {
    op: "Resize",
    opset: 11,
    constants: [empty, float32([1, 1, 2, 1.5], [4])],
    attributes: { mode: "linear", coordinate_transformation_mode: "pytorch_half_pixel" },
  },
  {
    op: "Resize",
    opset: 11,
    constants: [empty, empty, int64([2, 4, 7, 9])],
    attributes: {
      mode: "nearest",
      nearest_mode: "floor",
      coordinate_transformation_mode: "asymmetric",
    },
  },
  {
    op: "Resize",
    opset: 13,
    constants: [null, float32([1, 1, 2, 2], [4])],
    attributes: { mode: "cubic", cubic_coeff_a: -0.5 },
  },
  {
    op: "Resize",
    opset: 13,
    constants: [empty, empty, int64([2, 4, 10, 3])],
    attributes: { mode: "linear", coordinate_transformation_mode: "align_corners" },
  },
  { op: "Clip", opset: 11, constants: [float32([-0.5], []), float32([0.25], [])] },
  { op: "Clip", opset: 12, constants: [null, float32([0.25], [])] },
  { op: "Pad", opset: 11, constants: [int64([0, 0, 1, 2, 0, 0, 2, 1]), float32([3], [])] },
  {
    op: "Pad",
    opset: 11,
    constants: [int64([0, 0, 1, 2, 0, 0, 2, 1])],
    attributes: { mode: "reflect" },
  },
  { op: "Slice", opset: 11, constants: [int64([1]), int64([-1]), int64([3]), int64([2])] },
  {
    op: "Gemm",
    opset: 11,
    input: [3, 4],
    constants: [wave([5, 4], 1), wave([5], 2)],
    attributes: { transB: 1 },
  },
  { op: "Cast", opset: 11, attributes: { to: 7 } },
  ...["MaxPool", "AveragePool"].flatMap((op): Case[] => [
    { op, opset: 11, attributes: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] } },
    { op, opset: 11, attributes: { kernel_shape: [2, 3], strides: [2, 2], ceil_mode: 1 } },
    { op, opset: 11, attributes: { kernel_shape: [2, 2], auto_pad: "SAME_UPPER" } },
  ]),
  {
    op: "AveragePool",
    opset: 11,
    attributes: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], count_include_pad: 1 },
  },
  {
    op: "GroupNormalization",
    opset: 18,
    constants: [wave([2], 1, 1), wave([2], 2)],
    attributes: { num_groups: 2, epsilon: 0.01 },
    becomes: ["Reshape", "InstanceNormalization", "Shape", "Reshape"],
  },
  {
    op: "GridSample",
    opset: 16,
    constants: [wave([2, 3, 3, 2], 3)],
    attributes: { mode: "bilinear" },
  },
  {
    op: "GridSample",
    opset: 16,
    constants: [wave([2, 3, 3, 2], 3)],
    attributes: { mode: "bicubic" },
  },
  {
    op: "RoiAlign",
    opset: 11,
    constants: [float32([0, 0, 3, 3, 1, 1, 4, 4], [2, 4]), int64([0, 1])],
    attributes: { output_height: 2, output_width: 2 },
  },
  { op: "DFT", opset: 17, input: [2, 6, 4, 1], attributes: { axis: 2 } },
  { op: "DFT", opset: 17, input: [2, 6, 4, 1], constants: [{ ...int64([4]), dims: [] }] },
  { op: "HardSigmoid", opset: 11 },
  { op: "Reshape", opset: 11, constants: [int64([0, -1])] },
];

function build(spec: Case): Model {
  const builder = new GraphBuilder(["x"]);
  const constants = (spec.constants ?? []).map((tensor) =>
    tensor === null ? "" : builder.constant(tensor),
  );
  const outputs = builder.addMany(
    spec.op,
    ["x", ...constants],
    spec.outputs ?? 1,
    spec.attributes ?? {},
  );
  const type = spec.op === "Cast" ? "int64" : "float32";
  return modelOf(
    builder.build(
      spec.op,
      [floats("x", spec.input ?? image)],
      outputs.map((name) => ({ name, type, shape: null })),
    ),
    spec.opset,
  );
}

describe("an upgraded network gives what the original gave", () => {
  test.each(cases)("$op of opset $opset $attributes $why", async (spec) => {
    const original = build(spec);
    const upgraded = upgradeModel(original);
    expect(upgraded.opsets.get("")).toBe(WORKING_OPSET);
    if (spec.becomes !== undefined) {
      expect(upgraded.graph.nodes.map((node) => node.op)).toEqual(spec.becomes);
    }
    const feeds = feedsFor(original);
    const [before, after] = [await run(original, { feeds }), await run(upgraded, { feeds })];
    expect(Object.keys(after)).toEqual(Object.keys(before));
    for (const [name, tensor] of Object.entries(before)) {
      const result = after[name];
      expect(result?.dims).toEqual(tensor.dims);
      expect(result?.data.length).toBeGreaterThan(0);
      tensor.data.forEach((value, index) => {
        expect(Number(result?.data[index])).toBeCloseTo(Number(value), 5);
      });
    }
  });
});

describe("constants", () => {
  const kinds: readonly [string, AttributeInput, Tensor][] = [
    ["value", float32([1, 2], [2]), float32([1, 2], [2])],
    ["value_float", { kind: "float", value: 2 }, float32([2], [])],
    ["value_floats", { kind: "floats", value: [1, 2] }, float32([1, 2], [2])],
    ["value_int", 7, { ...int64([7]), dims: [] }],
    ["value_ints", [7, -1], int64([7, -1])],
    ["value_string", "a", { type: "string", dims: [], data: ["a"] }],
    [
      "value_strings",
      { kind: "strings", value: ["a", "b"] },
      { type: "string", dims: [2], data: ["a", "b"] },
    ],
  ];
  test.each(kinds)("%s becomes an initializer", (name, value, tensor) => {
    const builder = new GraphBuilder(["x"]);
    const constant = builder.add("Constant", [], { [name]: value });
    const out = builder.add("Identity", [constant]);
    const graph = builder.build("constants", [], [{ name: out, type: tensor.type, shape: null }]);
    const upgraded = upgradeModel(modelOf(graph, 12));
    expect(upgraded.graph.initializers.get(constant)).toEqual(tensor);
    expect(upgraded.graph.nodes.map((node) => node.op)).toEqual(["Identity"]);
  });
});

test("bodies of branches are upgraded too", async () => {
  const builder = new GraphBuilder(["x"]);
  const inside = new GraphBuilder();
  const out = inside.add("ReduceMean", ["x"], { axes: [1], keepdims: 0 }, { output: "mean" });
  const body = { kind: "graph", value: inside.build("body", [], [floats(out, null)]) } as const;
  const yes = builder.constant({ type: "bool", dims: [], data: Uint8Array.of(1) });
  const y = builder.add("If", [yes], { then_branch: body, else_branch: body });
  const original = modelOf(builder.build("if", [floats("x", [2, 3])], [floats(y, null)]), 12);
  expect((await run(upgradeModel(original)))[y]).toEqual((await run(original))[y]);
});

test("batch statistics asked for by the outputs become training mode", () => {
  const builder = new GraphBuilder(["x"]);
  const parameters = [1, 2, 3, 4].map((seed) => builder.constant(wave([4], seed, 1)));
  const outputs = builder.addMany("BatchNormalization", ["x", ...parameters], 5);
  const graph = builder.build("train", [floats("x", image)], [floats(outputs[0] ?? "", null)]);
  const [node] = upgradeModel(modelOf(graph, 11)).graph.nodes;
  expect(node?.attributes.training_mode).toEqual({ kind: "int", value: 1 });
  expect(node?.outputs).toEqual(outputs.slice(0, 3));
});

test("a form without a newer counterpart is refused", () => {
  const model = build({
    op: "Resize",
    opset: 11,
    constants: [empty, float32([1, 1, 2, 2], [4])],
    attributes: { coordinate_transformation_mode: "tf_half_pixel_for_nn" },
  });
  expect(() => upgradeModel(model)).toThrow(
    expect.objectContaining({
      fault: expect.objectContaining({ code: "onnx/unsupported-upgrade" }),
    }),
  );
});
