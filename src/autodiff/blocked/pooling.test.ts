import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { onnxRuntime } from "../../node/onnxruntime.ts";
import { GraphBuilder } from "../../onnx/build.ts";
import type { Model } from "../../onnx/graph.ts";
import { float32, type Tensor } from "../../onnx/tensor.ts";
import { writeModel } from "../../onnx/write.ts";
import { blockSize } from "../../runtime/block-size.ts";
import { randomTensor } from "../finite-differences.fixture.ts";
import { differentiate } from "../reverse.ts";
import { blockLayout } from "./block-layout.ts";

const block = await blockSize(onnxRuntime);

/** The gradient of a MaxPool behind a depthwise convolution that only brings x into blocks. */
function modelOf(dims: readonly number[]): Model {
  const [batch = 1, channels = 1, height = 1, width = 1] = dims;
  const pooled = [batch, channels, height / 2, width / 2];
  const build = new GraphBuilder(["x", "w", "dy"]);
  const source = build.add("Conv", ["x", "w"], { group: channels, kernel_shape: [1, 1] });
  const window = { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] };
  const [y = ""] = build.addMany("MaxPool", [source], 2, window);
  const node = build.nodes.at(-1) ?? expect.fail();
  const gradients = differentiate(
    {
      nodes: [node],
      dims: (value) => (value === source ? dims : pooled),
      constant: () => undefined,
    },
    build,
    new Set([source]),
    new Map([[y, "dy"]]),
  );
  const gradient = build.add("Neg", [gradients.get(source) ?? ""]);
  const negated = build.add("Neg", [y]);
  const info = (name: string, shape: readonly number[]) =>
    ({ name, type: "float32", shape }) as const;
  const inputs = [info("x", dims), info("w", [channels, 1, 1, 1]), info("dy", pooled)];
  const outputs = [info(negated, pooled), info(gradient, dims)];
  return {
    graph: {
      ...build.build("pooling", inputs, outputs),
      values: new Map([[y, info(y, pooled)]]),
    },
    opsets: new Map([["", 21]]),
    irVersion: 10,
    producer: "thaw",
    metadata: new Map(),
  };
}

async function run(model: Model, feeds: Readonly<Record<string, Tensor>>) {
  const session = await onnxRuntime.open(writeModel(model), { optimization: "none" });
  const results = await session.run(feeds);
  await session.release();
  return Object.values(results).map(({ dims, data }) => ({ dims, data: [...data].map(Number) }));
}

const layer = fc.record({
  seed: fc.integer({ min: 1, max: 1e6 }),
  batch: fc.integer({ min: 1, max: 2 }),
  channels: fc.integer({ min: 1, max: 6 }).map((quarter) => quarter * 4),
  height: fc.integer({ min: 2, max: 5 }).map((half) => half * 2),
  width: fc.integer({ min: 2, max: 5 }).map((half) => half * 2),
});

describe.skipIf(block === undefined)("blocked MaxPool", () => {
  test("takes the gradient to the first of equal elements, negative and zero ones included", () =>
    fc.assert(
      fc.asyncProperty(layer, async ({ seed, batch, channels, height, width }) => {
        const dims = [batch, channels, height, width];
        const model = modelOf(dims);
        const blocked = blockLayout(model, block ?? 16);
        const ops = blocked.graph.nodes.map(({ op }) => op);
        expect(ops.includes("ScatterElements")).toBe(false);
        const { data } = randomTensor(dims, seed);
        const coarse = Float32Array.from(data, (value) => Math.round(Number(value) * 2));
        const feeds = {
          x: float32(coarse, dims),
          w: float32(new Float32Array(channels).fill(1), [channels, 1, 1, 1]),
          dy: randomTensor([batch, channels, height / 2, width / 2], seed + 1),
        };
        const [expected, found] = [await run(model, feeds), await run(blocked, feeds)];
        expected.forEach((tensor, at) => {
          expect(found[at]?.dims).toEqual(tensor.dims);
          const worst = Math.max(
            ...tensor.data.map((value, place) =>
              Math.abs(value - (found[at]?.data[place] ?? Number.NaN)),
            ),
          );
          expect(worst).toBeLessThan(1e-5);
        });
      }),
      { numRuns: 40 },
    ));
});
