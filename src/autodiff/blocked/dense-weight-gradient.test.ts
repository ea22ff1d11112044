import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { onnxRuntime } from "../../node/onnxruntime.ts";
import { GraphBuilder } from "../../onnx/build.ts";
import type { Model } from "../../onnx/graph.ts";
import { writeModel } from "../../onnx/write.ts";
import { blockSize } from "../../runtime/block-size.ts";
import { randomTensor } from "../finite-differences.fixture.ts";
import { differentiate } from "../reverse.ts";
import { blockLayout } from "./block-layout.ts";

const block = await blockSize(onnxRuntime);

interface Layer {
  readonly x: readonly number[];
  readonly w: readonly number[];
  readonly y: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
}

/** A convolution's weight gradient for any dy, and the gradients that name its operands. */
function weightGradient({ x, w, y, strides, dilations, pads }: Layer) {
  const build = new GraphBuilder(["x", "w", "dy", "y"]);
  const attributes = { kernel_shape: w.slice(2), strides, dilations, pads };
  build.add("Conv", ["x", "w"], attributes, { output: "y" });
  const dims = new Map([
    ["x", x],
    ["w", w],
    ["y", y],
  ]);
  const gradients = differentiate(
    { nodes: [...build.nodes], dims: (value) => dims.get(value) ?? [], constant: () => undefined },
    build,
    new Set(["w"]),
    new Map([["y", "dy"]]),
  );
  const info = (name: string, shape: readonly number[]) =>
    ({ name, type: "float32", shape }) as const;
  const model: Model = {
    graph: build.build(
      "layer",
      [info("x", x), info("w", w), info("dy", y)],
      [info("y", y), info(gradients.get("w") ?? "", w)],
    ),
    opsets: new Map([["", 21]]),
    irVersion: 10,
    producer: "thaw",
    metadata: new Map(),
  };
  return { model, gradients };
}

async function run(model: Model, { x, w, y }: Layer, seed: number) {
  const session = await onnxRuntime.open(writeModel(model), { optimization: "none", threads: 1 });
  const [, gradient] = model.graph.outputs;
  const results = await session.run({
    x: randomTensor(x, seed),
    w: randomTensor(w, seed + 1),
    dy: randomTensor(y, seed + 2),
  });
  await session.release();
  const found = results[gradient?.name ?? ""];
  return { dims: found?.dims, data: Array.from(found?.data ?? [], Number) };
}

const axis = fc
  .record({
    output: fc.constantFrom(1, 3, 4, 8, 16),
    kernel: fc.integer({ min: 1, max: 3 }),
    stride: fc.integer({ min: 1, max: 2 }),
    dilation: fc.integer({ min: 1, max: 2 }),
    begin: fc.nat(2),
    end: fc.nat(2),
    rest: fc.nat(1),
  })
  .map(({ output, kernel, stride, dilation, begin, end, rest }) => {
    const size = (output - 1) * stride + (kernel - 1) * dilation + 1 - begin - end;
    return {
      output,
      kernel,
      stride,
      dilation,
      begin,
      end,
      size: size + Math.min(rest, stride - 1),
    };
  })
  .filter(({ size }) => size > 0);

const layer = fc
  .record({
    height: axis,
    width: axis,
    batch: fc.constantFrom(1, 2, 4, 16),
    inner: fc.integer({ min: 3, max: 10 }).map((quarter) => quarter * 4),
    outer: fc.integer({ min: 1, max: 20 }),
  })
  .map(({ height, width, batch, inner, outer }): Layer => {
    const both = (of: (side: typeof height) => number) => [of(height), of(width)];
    return {
      x: [batch, inner, ...both(({ size }) => size)],
      w: [outer, inner, ...both(({ kernel }) => kernel)],
      y: [batch, outer, ...both(({ output }) => output)],
      strides: both(({ stride }) => stride),
      dilations: both(({ dilation }) => dilation),
      pads: [...both(({ begin }) => begin), ...both(({ end }) => end)],
    };
  });

describe.skipIf(block === undefined)("blocked weight gradient of a dense convolution", () => {
  test("is the plain one's, with strides, dilations and uneven pads", async () => {
    let [blockedCases, byPicture] = [0, 0];
    await fc.assert(
      fc.asyncProperty(layer, fc.integer({ min: 1, max: 1e6 }), async (layer, seed) => {
        const { model, gradients } = weightGradient(layer);
        const blocked = blockLayout(model, block ?? 16, gradients);
        const { nodes } = blocked.graph;
        const writer = nodes.find(({ outputs }) => outputs.includes(gradients.get("w") ?? ""));
        if (writer?.op === "ReorderOutput") blockedCases++;
        if (nodes.some(({ op }) => op === "ReduceSum")) byPicture++;
        const [expected, found] = [await run(model, layer, seed), await run(blocked, layer, seed)];
        expect(found.dims).toEqual(expected.dims);
        expected.data.forEach((value, at) => {
          expect(Math.abs((found.data[at] ?? Number.NaN) - value)).toBeLessThan(1e-3);
        });
      }),
      { numRuns: 80 },
    );
    expect(blockedCases).toBeGreaterThan(20);
    expect(byPicture).toBeGreaterThan(2);
  });
});
