import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { GraphBuilder } from "./build.ts";
import { foldBatchNorm } from "./fold-batch-norm.ts";
import type { Model } from "./graph.ts";
import { floats, modelOf, smallNetwork } from "./models.fixture.ts";
import { run } from "./run.fixture.ts";
import { elementCount, float32 } from "./tensor.ts";

const ops = (model: Model) => model.graph.nodes.map((node) => node.op);

function layerThenNorm(layer: {
  readonly op: string;
  readonly weight: readonly number[];
  readonly channels: number;
  readonly input: readonly number[];
  readonly bias: boolean;
  readonly attributes: Readonly<Record<string, number>>;
}): Model {
  const build = new GraphBuilder(["x", "y"]);
  const values = (dims: readonly number[], seed: number, offset = 0) =>
    build.constant(
      float32(
        Float32Array.from(
          { length: elementCount(dims) },
          (_, i) => Math.sin(i * seed) / 2 + offset,
        ),
        dims,
      ),
      "parameter",
    );
  const { channels } = layer;
  const bias = layer.bias ? [values([channels], 1.3)] : [];
  const out = build.add(layer.op, ["x", values(layer.weight, 0.9), ...bias], layer.attributes);
  build.add(
    "BatchNormalization",
    [
      out,
      values([channels], 2.1, 1),
      values([channels], 3.3),
      values([channels], 4.7),
      values([channels], 5.1, 1),
    ],
    {},
    { output: "y" },
  );
  return modelOf(build.build("folding", [floats("x", layer.input)], [floats("y", null)]));
}

const layers = fc
  .record({ bias: fc.boolean(), groups: fc.constantFrom(1, 2), wide: fc.constantFrom(1, 3) })
  .chain(({ bias, groups, wide }) =>
    fc.constantFrom(
      {
        op: "Conv",
        weight: [2 * groups, 2 * wide, 3, 2],
        channels: 2 * groups,
        input: [2, 2 * wide * groups, 5, 5],
        bias,
        attributes: { group: groups },
      },
      {
        op: "ConvTranspose",
        weight: [2 * groups, wide, 3, 2],
        channels: wide * groups,
        input: [2, 2 * groups, 4, 4],
        bias,
        attributes: { group: groups },
      },
      {
        op: "Gemm",
        weight: [4, 2 + wide],
        channels: 2 + wide,
        input: [3, 4],
        bias,
        attributes: {},
      },
      {
        op: "Gemm",
        weight: [2 + wide, 4],
        channels: 2 + wide,
        input: [3, 4],
        bias,
        attributes: { transB: 1 },
      },
    ),
  );

describe("foldBatchNorm", () => {
  test("the layer alone gives what layer and norm gave", async () => {
    await fc.assert(
      fc.asyncProperty(layers, async (layer) => {
        const model = layerThenNorm(layer);
        const folded = foldBatchNorm(model);
        expect(ops(folded)).toEqual([layer.op]);
        const [{ y: before }, { y: after }] = [await run(model), await run(folded)];
        if (before?.type !== "float32" || after?.type !== "float32") throw new Error("no output");
        expect(after.dims).toEqual(before.dims);
        before.data.forEach((value, index) => {
          expect(after.data[index]).toBeCloseTo(value, 4);
        });
      }),
      { numRuns: 40 },
    );
  });

  test("weights used elsewhere keep their content", () => {
    const model = smallNetwork();
    const folded = foldBatchNorm(model);
    expect(ops(folded)).not.toContain("BatchNormalization");
    expect(folded.graph.initializers.get("weight5")).toBe(model.graph.initializers.get("weight5"));
  });

  test("a result that is read elsewhere is not folded away", () => {
    const model = smallNetwork();
    const conv = model.graph.nodes[0]?.outputs[0] ?? "";
    const watched = {
      ...model,
      graph: { ...model.graph, outputs: [...model.graph.outputs, floats(conv, null)] },
    };
    expect(ops(foldBatchNorm(watched))).toContain("BatchNormalization");
  });
});
