import { create, toBinary } from "@bufbuild/protobuf";
import { AttributeProto_AttributeType as AttributeType, ModelProtoSchema } from "onnx-buf";
import { ThawError } from "../errors.ts";
import { GraphBuilder } from "./build.ts";
import type { ExternalData } from "./external.ts";
import { foldBatchNorm } from "./fold-batch-norm.ts";
import { everyType, floats, modelOf, smallNetwork } from "./models.fixture.ts";
import { readModel } from "./read.ts";
import { simplify } from "./simplify.ts";
import { subgraph } from "./subgraph.ts";
import { float32, int64 } from "./tensor.ts";
import { upgradeModel } from "./upgrade.ts";
import { writeModel } from "./write.ts";

/** Small files that between them use every part of the format Thaw reads. */
export function fuzzSeeds(): Uint8Array[] {
  return [
    writeModel(smallNetwork()),
    writeModel(typedConstants()),
    writeModel(olderForms()),
    functionCalls(),
  ];
}

/** The first nodes of a larger network, weights and all. */
export async function headOf(bytes: Uint8Array, nodes: number): Promise<Uint8Array> {
  const model = await readModel(bytes);
  return writeModel(
    subgraph(model, { outputs: model.graph.nodes[nodes - 1]?.outputs.slice(0, 1) ?? [] }),
  );
}

const noExternalData: ExternalData = {
  read: async (_location, _offset, length) => new Uint8Array(Math.min(length, 1024)),
};

/**
 * Reads a file and does to it all that Thaw does before the runtime sees it.
 * @returns `read`, or the code of the refusal
 * @throws whatever else escapes, which is a defect
 */
export async function survive(bytes: Uint8Array): Promise<string> {
  try {
    const model = await readModel(bytes, noExternalData);
    const changed = foldBatchNorm(simplify(upgradeModel(model)));
    await readModel(writeModel(model));
    await readModel(writeModel(changed));
    return "read";
  } catch (error) {
    if (error instanceof ThawError) return error.fault.code;
    throw error;
  }
}

function typedConstants() {
  const build = new GraphBuilder(["x"]);
  const outputs = everyType.map((tensor) => {
    const constant = build.add("Constant", [], { value: tensor });
    return { name: build.add("Identity", [constant]), type: tensor.type, shape: [3] };
  });
  const texts = build.add("Constant", [], {
    value_strings: { kind: "strings", value: ["a", "b"] },
  });
  const ints = build.add("Constant", [], { value_ints: [1, 2] });
  const shape = build.add("Concat", [ints, build.add("Shape", ["x"])], { axis: 0 });
  return modelOf(
    build.build(
      "constants",
      [floats("x", ["n", null])],
      [
        ...outputs,
        { name: texts, type: "string", shape: [2] },
        { name: shape, type: "int64", shape: null },
      ],
    ),
  );
}

function olderForms() {
  const build = new GraphBuilder(["x"]);
  const inside = new GraphBuilder();
  const squeezed = inside.add("Squeeze", ["x"], { axes: [1] }, { output: "squeezed" });
  const body = {
    kind: "graph",
    value: inside.build("body", [], [floats(squeezed, null)]),
  } as const;
  const yes = build.constant({ type: "bool", dims: [], data: Uint8Array.of(1) });
  const chosen = build.add("If", [yes], { then_branch: body, else_branch: body });
  const [left = "", right = ""] = build.addMany("Split", [chosen], 2, { axis: 0, split: [1, 1] });
  const mean = build.add("ReduceMean", [left], { axes: [0] });
  const soft = build.add("Softmax", [right], { axis: 0 });
  const resized = build.add("Resize", [
    "x",
    build.constant(float32([], [0])),
    build.constant(float32([1, 1, 2, 2], [4])),
  ]);
  const flat = build.add("Reshape", [resized, build.constant(int64([1, -1]))]);
  const sum = build.add("Sum", [mean, soft, build.add("Identity", [flat])]);
  return modelOf(build.build("older", [floats("x", [2, 1, 4, 4])], [floats(sum, null)]), 11);
}

function functionCalls(): Uint8Array {
  const type = { value: { case: "tensorType" as const, value: { elemType: 1 } } };
  const reference = [{ name: "alpha", refAttrName: "slope", type: AttributeType.FLOAT }];
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 8n,
      opsetImport: ["", "own"].map((domain) => ({ domain, version: 17n })),
      functions: [
        {
          name: "leaky",
          domain: "own",
          input: ["x"],
          output: ["y"],
          attribute: ["slope"],
          node: [
            { opType: "LeakyRelu", input: ["x"], output: ["m"], attribute: reference },
            { opType: "Relu", input: ["m"], output: ["y"] },
          ],
        },
      ],
      graph: {
        input: [{ name: "x", type }],
        output: [{ name: "y", type }],
        node: ["x", "a"].map((input, index) => ({
          opType: "leaky",
          domain: "own",
          input: [input],
          output: [index === 0 ? "a" : "y"],
          attribute: [{ name: "slope", type: AttributeType.FLOAT, f: 0.5 }],
        })),
      },
      metadataProps: [{ key: "labels", value: "cat,dog" }],
    }),
  );
}
