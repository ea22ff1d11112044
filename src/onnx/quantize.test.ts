import { expect, it } from "vitest";
import { onnxRuntime } from "../node/onnxruntime.ts";
import { GraphBuilder } from "./build.ts";
import type { Model } from "./graph.ts";
import { quantizeWeights } from "./quantize.ts";
import { float32 } from "./tensor.ts";
import { writeModel } from "./write.ts";

function network(): Model {
  const build = new GraphBuilder(["x"]);
  const wave = (count: number, scale: number) =>
    Float32Array.from({ length: count }, (_, at) => scale * Math.sin(at * 1.7 + 0.3));
  const kernel = build.constant(float32(wave(16 * 3 * 3 * 3, 0.4), [16, 3, 3, 3]), "kernel");
  const map = build.add("Conv", ["x", kernel], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] });
  const flat = build.add("Flatten", [build.add("GlobalAveragePool", [map])], { axis: 1 });
  const first = build.constant(float32(wave(40 * 16, 2), [40, 16]), "first");
  const hidden = build.add("Gemm", [flat, first], { transB: 1 });
  const second = build.constant(float32(wave(40 * 10, 0.1), [40, 10]), "second");
  build.add("MatMul", [hidden, second], {}, { output: "y" });
  return {
    graph: build.build(
      "test",
      [{ name: "x", type: "float32", shape: ["batch", 3, 8, 8] }],
      [{ name: "y", type: "float32", shape: ["batch", 10] }],
    ),
    opsets: new Map([["", 21]]),
    irVersion: 10,
    producer: "test",
    metadata: new Map(),
  };
}

it("makes the file a quarter as large and keeps outputs within the rounding of the weights", async () => {
  const original = network();
  const small = quantizeWeights(original);
  const [before, after] = [writeModel(original), writeModel(small)];
  expect(after.length).toBeLessThan(before.length * 0.5);
  const data = Float32Array.from({ length: 2 * 192 }, (_, at) => Math.cos(at));
  const run = async (bytes: Uint8Array) => {
    const session = await onnxRuntime.open(bytes);
    const { y } = await session.run({ x: float32(data, [2, 3, 8, 8]) });
    await session.release();
    return y?.type === "float32" ? [...y.data] : [];
  };
  const [exact, rounded] = [await run(before), await run(after)];
  const scale = Math.max(...exact.map(Math.abs));
  const error = Math.max(...exact.map((value, at) => Math.abs(value - (rounded[at] ?? 0))));
  expect(error).toBeGreaterThan(0);
  expect(error / scale).toBeLessThan(0.03);
});
