import { existsSync, readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { ThawError } from "../errors.ts";
import { onnxRuntime } from "../node/onnxruntime.ts";
import { GraphBuilder } from "./build.ts";
import type { Model } from "./graph.ts";
import { everyType, floats, modelOf, smallNetwork } from "./models.fixture.ts";
import { readModel } from "./read.ts";
import { elementCount, float32, type Tensor } from "./tensor.ts";
import { writeModel } from "./write.ts";

const models = new URL("../../../shared/models/", import.meta.url);

/** Bytes of every output on one input picture of fixed content. */
async function outputs(bytes: Uint8Array, model: Model): Promise<Uint8Array[]> {
  const session = await onnxRuntime.open(bytes, { threads: 1 });
  try {
    const feeds: Record<string, Tensor> = {};
    for (const input of model.graph.inputs) {
      const dims = (input.shape ?? []).map((dim) => (typeof dim === "number" ? dim : 1));
      const data = Float32Array.from({ length: elementCount(dims) }, (_, i) => Math.sin(i));
      feeds[input.name] = float32(data, dims);
    }
    const results = await session.run(feeds);
    return Object.values(results).map((tensor) =>
      tensor.type === "string"
        ? new TextEncoder().encode(tensor.data.join())
        : new Uint8Array(
            tensor.data.buffer,
            tensor.data.byteOffset,
            tensor.data.byteLength,
          ).slice(),
    );
  } finally {
    await session.release();
  }
}

describe("a model written again", () => {
  test("equals the one that was read", async () => {
    const model = smallNetwork();
    const again = await readModel(writeModel(model));
    expect(again).toEqual(model);
  });

  test("gives the same bytes a second time", async () => {
    const first = writeModel(smallNetwork());
    expect(writeModel(await readModel(first))).toEqual(first);
  });

  test.each(everyType)("keeps every bit of a $type weight", async (tensor) => {
    const build = new GraphBuilder(["x"]);
    const weight = build.constant(tensor, "weight");
    const graph = build.build(
      "typed",
      [],
      [{ name: build.add("Identity", [weight]), type: tensor.type, shape: [3] }],
    );
    const again = await readModel(writeModel(modelOf(graph)));
    expect(again.graph.initializers.get(weight)).toEqual(tensor);
    if (tensor.type === "bfloat16") return;
    const bytes = writeModel(again);
    const [result] = await outputs(bytes, again);
    expect(result).toEqual(new Uint8Array(tensor.data.buffer));
  });

  test("keeps every kind of attribute", async () => {
    const build = new GraphBuilder(["x"]);
    const branch = new GraphBuilder();
    const inner = branch.add("Identity", ["x"], {}, { output: "inner" });
    const body = branch.build("body", [], [floats(inner, [1])]);
    const condition = build.constant({ type: "bool", dims: [], data: new Uint8Array([1]) });
    const out = build.add("If", [condition], {
      then_branch: { kind: "graph", value: body },
      else_branch: { kind: "graph", value: body },
    });
    const custom = build.add(
      "Anything",
      [out],
      {
        int: -3,
        ints: [1, -2],
        float: 0.5,
        floats: { kind: "floats", value: [1, 2] },
        string: "ä\u0000",
        strings: { kind: "strings", value: ["a", ""] },
        tensor: float32([1, 2], [2, 1]),
      },
      { domain: "custom" },
    );
    const graph = build.build("kinds", [floats("x", [1])], [floats(custom, null)]);
    const model = {
      ...modelOf(graph),
      opsets: new Map([
        ["", 17],
        ["custom", 1],
      ]),
    };
    expect(await readModel(writeModel(model))).toEqual(model);
  });

  const present = existsSync(models);
  test.skipIf(!present).each(present ? readdirSync(models) : [])(
    "gives bit-identical outputs: %s (skipped where ../shared/models is absent)",
    async (name) => {
      const original = new Uint8Array(await readFile(new URL(`${name}/model.onnx`, models)));
      const model = await readModel(original);
      expect(await outputs(writeModel(model), model)).toEqual(await outputs(original, model));
    },
  );
});

test("a tensor that does not fill its shape is not written", () => {
  const build = new GraphBuilder();
  const out = build.add("Identity", [build.constant(float32([1, 2], [3]))]);
  const model = modelOf(build.build("wrong", [], [floats(out, [3])]));
  expect(() => writeModel(model)).toThrow(ThawError);
});
