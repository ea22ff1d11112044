import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { onnxRuntime } from "../../node/onnxruntime.ts";
import { type AttributeInput, GraphBuilder } from "../../onnx/build.ts";
import type { Model } from "../../onnx/graph.ts";
import { writeModel } from "../../onnx/write.ts";
import { blockSize } from "../../runtime/block-size.ts";
import { randomTensor } from "../finite-differences.fixture.ts";
import { blockLayout } from "./block-layout.ts";

const block = await blockSize(onnxRuntime);

/** The operator, and Relu behind it, which stays in whatever layout the operator left. */
function modelOf(
  op: string,
  x: readonly number[],
  w: readonly number[],
  attributes: Readonly<Record<string, AttributeInput>>,
): Model {
  const build = new GraphBuilder(["x", "w"]);
  const y = build.add("Relu", [build.add(op, ["x", "w"], attributes)]);
  const floats = (name: string, shape: readonly number[] | null) =>
    ({ name, type: "float32", shape }) as const;
  return {
    graph: build.build("layer", [floats("x", x), floats("w", w)], [floats(y, null)]),
    opsets: new Map([["", 21]]),
    irVersion: 10,
    producer: "thaw",
    metadata: new Map(),
  };
}

async function run(model: Model, x: readonly number[], w: readonly number[], seed: number) {
  const session = await onnxRuntime.open(writeModel(model), { optimization: "none" });
  const results = await session.run({ x: randomTensor(x, seed), w: randomTensor(w, seed + 1) });
  await session.release();
  const [y] = Object.values(results);
  return { dims: y?.dims, data: [...(y?.data ?? [])].map(Number) };
}

const geometry = fc.record({
  seed: fc.integer({ min: 1, max: 1e6 }),
  batch: fc.integer({ min: 1, max: 2 }),
  inner: fc.integer({ min: 1, max: 9 }).map((quarter) => quarter * 4),
  outer: fc.integer({ min: 1, max: 9 }).map((quarter) => quarter * 4),
  depthwise: fc.boolean(),
  kernel: fc.integer({ min: 1, max: 5 }),
  size: fc.integer({ min: 5, max: 9 }),
  stride: fc.integer({ min: 1, max: 2 }),
  pad: fc.integer({ min: 0, max: 2 }),
  added: fc.integer({ min: 0, max: 1 }),
});

describe.skipIf(block === undefined)("blocked convolutions", () => {
  test.each(["Conv", "ConvTranspose"])("%s gives what the plain one gives", async (op) => {
    let blockedCases = 0;
    await fc.assert(
      fc.asyncProperty(geometry, async ({ seed, batch, depthwise, kernel, size, ...given }) => {
        const pad = Math.min(given.pad, kernel - 1);
        const [inner, outer] = depthwise ? [given.inner, given.inner] : [given.inner, given.outer];
        const x = [batch, inner, size, size];
        const channels = depthwise ? [inner, 1] : op === "Conv" ? [outer, inner] : [inner, outer];
        const w = [...channels, kernel, kernel];
        const model = modelOf(op, x, w, {
          group: depthwise ? inner : 1,
          kernel_shape: [kernel, kernel],
          strides: [given.stride, given.stride],
          pads: [pad, pad, pad, pad],
          ...(op === "Conv" || given.stride === 1
            ? {}
            : { output_padding: [given.added, given.added] }),
        });
        const blocked = blockLayout(model, block ?? 16);
        if (blocked.graph.nodes.some((node) => node.domain !== "")) blockedCases++;
        const [expected, found] = [await run(model, x, w, seed), await run(blocked, x, w, seed)];
        expect(found.dims).toEqual(expected.dims);
        const worst = Math.max(
          ...expected.data.map((value, at) => Math.abs(value - (found.data[at] ?? Number.NaN))),
        );
        expect(worst).toBeLessThan(1e-3);
      }),
      { numRuns: 80 },
    );
    expect(blockedCases).toBeGreaterThan(20);
  });
});
