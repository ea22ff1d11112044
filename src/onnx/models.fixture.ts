import { GraphBuilder } from "./build.ts";
import type { Graph, Model, ValueInfo } from "./graph.ts";
import type { Tensor } from "./tensor.ts";

/** A model around a graph, at one operator set. */
export function modelOf(graph: Graph, opset = 21): Model {
  return {
    graph,
    opsets: new Map([["", opset]]),
    irVersion: 8,
    producer: "test",
    metadata: new Map(),
  };
}

/** A float32 input or output with these dimensions. */
export function floats(name: string, shape: ValueInfo["shape"]): ValueInfo {
  return { name, type: "float32", shape };
}

/** One tensor of every element type that has a fixed size. */
export const everyType: readonly Exclude<Tensor, { type: "string" }>[] = [
  { type: "float32", dims: [3], data: new Float32Array([1.5, -0, 3.4e38]) },
  { type: "float64", dims: [3], data: new Float64Array([1 / 3, -1e300, 5e-324]) },
  { type: "float16", dims: [3], data: new Uint16Array([0x3c00, 0xc000, 0x7bff]) },
  { type: "bfloat16", dims: [3], data: new Uint16Array([0x3f80, 0xc000, 0x4049]) },
  { type: "int8", dims: [3], data: new Int8Array([-128, 0, 127]) },
  { type: "uint8", dims: [3], data: new Uint8Array([0, 1, 255]) },
  { type: "int16", dims: [3], data: new Int16Array([-32768, 0, 32767]) },
  { type: "uint16", dims: [3], data: new Uint16Array([0, 1, 65535]) },
  { type: "int32", dims: [3], data: new Int32Array([-(2 ** 31), 0, 2 ** 31 - 1]) },
  { type: "uint32", dims: [3], data: new Uint32Array([0, 1, 2 ** 32 - 1]) },
  { type: "int64", dims: [3], data: new BigInt64Array([-(2n ** 63n), 0n, 2n ** 63n - 1n]) },
  { type: "uint64", dims: [3], data: new BigUint64Array([0n, 1n, 2n ** 64n - 1n]) },
  { type: "bool", dims: [3], data: new Uint8Array([1, 0, 1]) },
];

/** Convolution, batch norm, a branch and a classifier: the shapes of a small image network. */
export function smallNetwork(): Model {
  const build = new GraphBuilder(["image", "logits"]);
  const weights = (dims: readonly number[], seed: number) => {
    const count = dims.reduce((a, b) => a * b, 1);
    return build.constant(
      {
        type: "float32",
        dims,
        data: Float32Array.from({ length: count }, (_, i) => Math.sin(i * 1.7 + seed) / 2),
      },
      `weight${seed}`,
    );
  };
  const positive = build.constant(
    { type: "float32", dims: [4], data: new Float32Array([0.5, 1, 1.5, 2]) },
    "variance",
  );
  const conv = build.add("Conv", ["image", weights([4, 3, 3, 3], 1)], { pads: [1, 1, 1, 1] });
  const norm = build.add("BatchNormalization", [
    conv,
    weights([4], 2),
    weights([4], 3),
    weights([4], 4),
    positive,
  ]);
  const relu = build.add("Relu", [norm]);
  const side = build.add("Conv", [relu, weights([4, 4, 1, 1], 5), weights([4], 6)]);
  const sum = build.add("Add", [relu, side]);
  const pooled = build.add("GlobalAveragePool", [sum]);
  const flat = build.add("Flatten", [pooled]);
  build.add(
    "Gemm",
    [flat, weights([5, 4], 7), weights([5], 8)],
    { transB: 1 },
    { output: "logits" },
  );
  return modelOf(
    build.build("small", [floats("image", ["batch", 3, 8, 8])], [floats("logits", ["batch", 5])]),
  );
}
