import { create, toBinary } from "@bufbuild/protobuf";
import { AttributeProto_AttributeType as AttributeType, ModelProtoSchema } from "onnx-buf";
import { describe, expect, test } from "vitest";
import { onnxRuntime } from "../node/onnxruntime.ts";
import { readModel } from "./read.ts";
import { run } from "./run.fixture.ts";
import { float32 } from "./tensor.ts";

const tensorType = (dim: bigint) => ({
  value: {
    case: "tensorType" as const,
    value: { elemType: 1, shape: { dim: [{ value: { case: "dimValue" as const, value: dim } }] } },
  },
});

/** leaky(x; slope) = LeakyRelu(x), twice(x; slope) = leaky(leaky(x)) + x */
const model = {
  irVersion: 8n,
  opsetImport: [
    { domain: "", version: 17n },
    { domain: "own", version: 1n },
  ],
  functions: [
    {
      name: "leaky",
      domain: "own",
      input: ["x"],
      output: ["y"],
      attribute: ["slope"],
      opsetImport: [{ domain: "", version: 17n }],
      node: [
        {
          opType: "LeakyRelu",
          input: ["x"],
          output: ["y"],
          attribute: [{ name: "alpha", refAttrName: "slope", type: AttributeType.FLOAT }],
        },
      ],
    },
    {
      name: "twice",
      domain: "own",
      input: ["x"],
      output: ["out"],
      attribute: ["slope"],
      opsetImport: [
        { domain: "", version: 17n },
        { domain: "own", version: 1n },
      ],
      node: ["x", "once"]
        .map((input, index) => ({
          opType: "leaky",
          domain: "own",
          input: [input],
          output: [index === 0 ? "once" : "again"],
          attribute: [{ name: "slope", refAttrName: "slope", type: AttributeType.FLOAT }],
        }))
        .concat([
          { opType: "Add", domain: "", input: ["again", "x"], output: ["out"], attribute: [] },
        ]),
    },
  ],
  graph: {
    name: "calls",
    input: [{ name: "x", type: tensorType(4n) }],
    output: [{ name: "y", type: tensorType(4n) }],
    node: [
      {
        opType: "twice",
        domain: "own",
        input: ["x"],
        output: ["once"],
        attribute: [{ name: "slope", type: AttributeType.FLOAT, f: 0.5 }],
      },
      {
        opType: "twice",
        domain: "own",
        input: ["once"],
        output: ["y"],
        attribute: [{ name: "slope", type: AttributeType.FLOAT, f: 0.25 }],
      },
    ],
  },
};

describe("functions a model defines", () => {
  test("are written out where they are called", async () => {
    const bytes = toBinary(ModelProtoSchema, create(ModelProtoSchema, model));
    const inlined = await readModel(bytes);
    expect(inlined.graph.nodes.map((node) => node.op)).toEqual([
      "LeakyRelu",
      "LeakyRelu",
      "Add",
      "LeakyRelu",
      "LeakyRelu",
      "Add",
    ]);
    const feeds = { x: float32([-4, -1, 0, 2], [4]) };
    const session = await onnxRuntime.open(bytes);
    const expected = await session.run(feeds);
    await session.release();
    expect(await run(inlined, { feeds })).toEqual(expected);
  });

  test("that call themselves are refused", async () => {
    const [leaky, twice] = model.functions;
    const endless = { ...leaky, node: [{ ...leaky?.node[0], opType: "leaky", domain: "own" }] };
    const bytes = toBinary(
      ModelProtoSchema,
      create(ModelProtoSchema, { ...model, functions: [endless, twice ?? {}] }),
    );
    await expect(readModel(bytes)).rejects.toMatchObject({
      fault: { code: "onnx/recursive-function" },
    });
  });

  test("that double at every level are refused", async () => {
    const doubling = Array.from({ length: 30 }, (_, level) => ({
      name: `f${level}`,
      domain: "own",
      input: ["x"],
      output: ["y"],
      node: [
        { opType: `f${level + 1}`, domain: "own", input: ["x"], output: ["m"] },
        { opType: `f${level + 1}`, domain: "own", input: ["m"], output: ["y"] },
      ],
    }));
    const graph = {
      ...model.graph,
      node: [{ opType: "f0", domain: "own", input: ["x"], output: ["y"] }],
    };
    const bytes = toBinary(
      ModelProtoSchema,
      create(ModelProtoSchema, { ...model, graph, functions: doubling }),
    );
    await expect(readModel(bytes)).rejects.toMatchObject({ fault: { code: "onnx/too-complex" } });
  });
});
