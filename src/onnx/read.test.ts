import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataLocation as Location,
  ModelProtoSchema,
  TensorProto_DataType as Type,
} from "onnx-buf";
import { describe, expect, test } from "vitest";
import { everyType, smallNetwork } from "./models.fixture.ts";
import { readModel } from "./read.ts";
import { writeModel } from "./write.ts";

type Init = MessageInitShape<typeof ModelProtoSchema>;
type GraphInit = Exclude<NonNullable<Init["graph"]>, { $typeName: string }>;
type TensorInit = Exclude<NonNullable<GraphInit["initializer"]>[number], { $typeName: string }>;

const floatType = { value: { case: "tensorType" as const, value: { elemType: Type.FLOAT } } };

function modelBytes(graph: GraphInit, model: Omit<Init, "$typeName"> = {}): Uint8Array {
  const init = {
    irVersion: 8n,
    opsetImport: [{ domain: "", version: 17n }],
    graph: {
      name: "g",
      input: [{ name: "x", type: floatType }],
      output: [{ name: "y", type: floatType }],
      node: [{ opType: "Relu", input: ["x"], output: ["y"] }],
      ...graph,
    },
    ...model,
  };
  return toBinary(ModelProtoSchema, create(ModelProtoSchema, init));
}

const withTensor = (tensor: TensorInit) => modelBytes({ initializer: [{ name: "w", ...tensor }] });
const relu = (input: string, output: string) => ({
  opType: "Relu",
  input: [input],
  output: [output],
});

function nested(depth: number): GraphInit {
  return {
    name: `level ${depth}`,
    output: [{ name: `y${depth}`, type: floatType }],
    node:
      depth === 0
        ? [relu("x", "y0")]
        : [
            {
              opType: "If",
              input: ["x"],
              output: [`y${depth}`],
              attribute: [{ name: "then_branch", type: AttributeType.GRAPH, g: nested(depth - 1) }],
            },
          ],
  };
}

const whole = writeModel(smallNetwork());

const refused: readonly [string, string, () => Uint8Array][] = [
  ["an empty file", "onnx/not-onnx", () => new Uint8Array()],
  ["a PNG", "onnx/not-onnx", () => Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0, 0)],
  ["a page of text", "onnx/not-onnx", () => new TextEncoder().encode("<!doctype html><html>")],
  ["JSON", "onnx/not-onnx", () => new TextEncoder().encode('{"model": 1}')],
  ["a zip archive", "onnx/not-onnx", () => Uint8Array.of(0x50, 0x4b, 3, 4, 20, 0, 0, 0, 8, 0)],
  ["zeros", "onnx/not-onnx", () => new Uint8Array(64)],
  [
    "a Git LFS pointer",
    "onnx/not-onnx",
    () =>
      new TextEncoder().encode(
        "version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 3\n",
      ),
  ],
  ["half a file", "onnx/truncated", () => whole.slice(0, whole.length / 2)],
  [
    "a cycle",
    "onnx/cyclic",
    () => modelBytes({ node: [relu("b", "a"), relu("a", "b"), relu("a", "y")] }),
  ],
  ["a node reading itself", "onnx/cyclic", () => modelBytes({ node: [relu("y", "y")] })],
  ["a dangling input", "onnx/dangling-input", () => modelBytes({ node: [relu("z", "y")] })],
  ["a dangling output", "onnx/dangling-output", () => modelBytes({ node: [relu("x", "z")] })],
  ["no output", "onnx/no-output", () => modelBytes({ output: [] })],
  [
    "a value written twice",
    "onnx/duplicate-name",
    () => modelBytes({ node: [relu("x", "y"), relu("x", "y")] }),
  ],
  [
    "an input written again",
    "onnx/duplicate-name",
    () => modelBytes({ node: [relu("x", "x"), relu("x", "y")] }),
  ],
  [
    "an output named twice",
    "onnx/duplicate-name",
    () =>
      modelBytes({
        output: [
          { name: "y", type: floatType },
          { name: "y", type: floatType },
        ],
      }),
  ],
  [
    "two initializers of one name",
    "onnx/duplicate-name",
    () =>
      modelBytes({
        initializer: [1, 2].map(() => ({ name: "w", dataType: Type.FLOAT, dims: [0n] })),
      }),
  ],
  ["no operator set", "onnx/missing-opset", () => modelBytes({}, { opsetImport: [] })],
  [
    "operator set 9",
    "onnx/unsupported-opset",
    () => modelBytes({}, { opsetImport: [{ domain: "", version: 9n }] }),
  ],
  [
    "operator set 99",
    "onnx/unsupported-opset",
    () => modelBytes({}, { opsetImport: [{ domain: "", version: 99n }] }),
  ],
  [
    "two versions of one operator set",
    "onnx/duplicate-opset",
    () =>
      modelBytes(
        {},
        {
          opsetImport: [
            { domain: "", version: 17n },
            { domain: "ai.onnx", version: 18n },
          ],
        },
      ),
  ],
  ["a file version to come", "onnx/unsupported-version", () => modelBytes({}, { irVersion: 99n })],
  [
    "a domain without version",
    "onnx/missing-opset",
    () => modelBytes({ node: [{ ...relu("x", "y"), domain: "com.example" }] }),
  ],
  [
    "a shape larger than its raw data",
    "onnx/lying-shape",
    () => withTensor({ dataType: Type.FLOAT, dims: [1000n, 1000n], rawData: new Uint8Array(16) }),
  ],
  [
    "a shape smaller than its raw data",
    "onnx/lying-shape",
    () => withTensor({ dataType: Type.FLOAT, dims: [2n], rawData: new Uint8Array(16) }),
  ],
  [
    "raw data of half an element",
    "onnx/lying-shape",
    () => withTensor({ dataType: Type.FLOAT, dims: [1n], rawData: new Uint8Array(6) }),
  ],
  [
    "a shape larger than its typed data",
    "onnx/lying-shape",
    () => withTensor({ dataType: Type.FLOAT, dims: [3n], floatData: [1, 2] }),
  ],
  [
    "a shape without data",
    "onnx/lying-shape",
    () => withTensor({ dataType: Type.FLOAT, dims: [3n] }),
  ],
  [
    "typed data of another type",
    "onnx/lying-shape",
    () => withTensor({ dataType: Type.INT64, dims: [2n], floatData: [1, 2] }),
  ],
  [
    "a negative dimension",
    "onnx/lying-shape",
    () => withTensor({ dataType: Type.FLOAT, dims: [-1n] }),
  ],
  [
    "a shape beyond memory",
    "onnx/absurd-size",
    () => withTensor({ dataType: Type.FLOAT, dims: [1n << 40n] }),
  ],
  [
    "a shape whose product overflows to zero",
    "onnx/absurd-size",
    () => withTensor({ dataType: Type.FLOAT, dims: [1n << 32n, 1n << 32n] }),
  ],
  [
    "an empty shape of absurd extent",
    "onnx/absurd-size",
    () => withTensor({ dataType: Type.FLOAT, dims: [0n, 1n << 62n] }),
  ],
  [
    "a thousand dimensions",
    "onnx/absurd-size",
    () => withTensor({ dataType: Type.FLOAT, dims: Array(1000).fill(1n), floatData: [1] }),
  ],
  [
    "an element type unknown here",
    "onnx/unsupported-type",
    () => withTensor({ dataType: Type.FLOAT8E5M2, dims: [1n], rawData: new Uint8Array(1) }),
  ],
  [
    "an element type unknown anywhere",
    "onnx/unsupported-type",
    () => withTensor({ dataType: 999, dims: [1n] }),
  ],
  ["sparse weights", "onnx/unsupported", () => modelBytes({ sparseInitializer: [{ dims: [1n] }] })],
  [
    "an input that is a sequence",
    "onnx/unsupported-type",
    () =>
      modelBytes({ input: [{ name: "x", type: { value: { case: "sequenceType", value: {} } } }] }),
  ],
  [
    "an attribute given twice",
    "onnx/duplicate-name",
    () =>
      modelBytes({
        node: [
          {
            ...relu("x", "y"),
            attribute: [1n, 2n].map((i) => ({ name: "a", type: AttributeType.INT, i })),
          },
        ],
      }),
  ],
  [
    "an attribute of no kind",
    "onnx/unsupported-attribute",
    () => modelBytes({ node: [{ ...relu("x", "y"), attribute: [{ name: "a" }] }] }),
  ],
  [
    "an attribute beyond safe integers",
    "onnx/unsupported-attribute",
    () =>
      modelBytes({
        node: [
          { ...relu("x", "y"), attribute: [{ name: "a", type: AttributeType.INT, i: 1n << 60n }] },
        ],
      }),
  ],
  [
    "text that is not UTF-8",
    "onnx/malformed",
    () =>
      modelBytes({
        node: [
          {
            ...relu("x", "y"),
            attribute: [{ name: "a", type: AttributeType.STRING, s: Uint8Array.of(0xff) }],
          },
        ],
      }),
  ],
  ["bodies twenty deep", "onnx/too-deep", () => modelBytes(nested(20))],
  ["bodies a thousand deep", "onnx/too-deep", () => deepBytes(1000)],
  ["ten million empty nodes", "onnx/too-complex", () => bomb(10_000_000)],
];

/** The wire form of bodies nested in bodies, longer than any encoder would recurse for. */
function deepBytes(depth: number): Uint8Array {
  let inner = new Uint8Array();
  const wrap = (field: number, content: Uint8Array) =>
    Uint8Array.from([(field << 3) | 2, ...varint(content.length), ...content]);
  for (let level = 0; level < depth; level++) inner = wrap(1, wrap(5, wrap(6, inner)));
  return wrap(7, inner);
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)];
}

function bomb(nodes: number): Uint8Array {
  const body = new Uint8Array(nodes * 2);
  for (let at = 0; at < body.length; at += 2) body[at] = 10;
  return join(Uint8Array.from([(7 << 3) | 2, ...varint(body.length)]), body);
}

function join(head: Uint8Array, tail: Uint8Array): Uint8Array {
  const joined = new Uint8Array(head.length + tail.length);
  joined.set(head);
  joined.set(tail, head.length);
  return joined;
}

describe("refused, saying what, where and what next", () => {
  test.each(refused)("%s: %s", async (_, code, bytes) => {
    await expect(readModel(bytes())).rejects.toMatchObject({
      fault: { code, what: expect.stringMatching(/\S/), next: expect.stringMatching(/\S/) },
    });
  });
});

describe("read", () => {
  test("typed storage of every type equals raw storage", async () => {
    const stored: Readonly<Record<string, (data: ArrayLike<number | bigint>) => TensorInit>> = {
      float32: (data) => ({ floatData: Array.from(data, Number) }),
      float64: (data) => ({ doubleData: Array.from(data, Number) }),
      int64: (data) => ({ int64Data: Array.from(data, BigInt) }),
      uint32: (data) => ({ uint64Data: Array.from(data, BigInt) }),
      uint64: (data) => ({ uint64Data: Array.from(data, BigInt) }),
    };
    const types: Readonly<Record<string, Type>> = {
      float32: Type.FLOAT,
      float64: Type.DOUBLE,
      float16: Type.FLOAT16,
      bfloat16: Type.BFLOAT16,
      int8: Type.INT8,
      uint8: Type.UINT8,
      int16: Type.INT16,
      uint16: Type.UINT16,
      int32: Type.INT32,
      uint32: Type.UINT32,
      int64: Type.INT64,
      uint64: Type.UINT64,
      bool: Type.BOOL,
    };
    for (const tensor of everyType) {
      const data: ArrayLike<number | bigint> = tensor.data;
      const typed = stored[tensor.type]?.(data) ?? { int32Data: Array.from(data, Number) };
      const model = await readModel(
        withTensor({ dataType: types[tensor.type] ?? 0, dims: [3n], ...typed }),
      );
      expect(model.graph.initializers.get("w")).toEqual(tensor);
    }
  });

  test("large typed floats are read without decoding them one by one", async () => {
    const data = Float32Array.from({ length: 1000 }, (_, i) => Math.sin(i));
    const bytes = withTensor({ dataType: Type.FLOAT, dims: [1000n], floatData: [...data] });
    const before = bytes.slice();
    const model = await readModel(bytes);
    expect(model.graph.initializers.get("w")?.data).toEqual(data);
    expect(bytes).toEqual(before);
  });

  test("aligned raw weights are views of the file", async () => {
    const model = await readModel(whole);
    const shared = [...model.graph.initializers.values()].filter(
      ({ data }) => !Array.isArray(data) && data.buffer === whole.buffer,
    );
    for (const { data } of shared) {
      if (!Array.isArray(data)) expect(data.byteOffset % data.BYTES_PER_ELEMENT).toBe(0);
    }
    expect(model.graph.initializers).toEqual(smallNetwork().graph.initializers);
  });

  test("nodes out of order are sorted", async () => {
    const model = await readModel(
      modelBytes({ node: [relu("b", "y"), relu("a", "b"), relu("x", "a")] }),
    );
    expect(model.graph.nodes.map((node) => node.outputs[0])).toEqual(["a", "b", "y"]);
  });

  test("initializers listed as inputs are no inputs", async () => {
    const model = await readModel(
      modelBytes(
        {
          input: ["x", "w"].map((name) => ({ name, type: floatType })),
          initializer: [{ name: "w", dataType: Type.FLOAT, dims: [1n], floatData: [2] }],
        },
        { irVersion: 3n },
      ),
    );
    expect(model.graph.inputs.map(({ name }) => name)).toEqual(["x"]);
    expect(model.irVersion).toBe(4);
  });

  test("outputs without a type get the one they will have", async () => {
    const model = await readModel(
      modelBytes({
        node: [{ opType: "Shape", input: ["x"], output: ["y"] }],
        output: [{ name: "y" }],
      }),
    );
    expect(model.graph.outputs).toEqual([{ name: "y", type: "int64", shape: null }]);
  });

  test("constants keep integers no JavaScript number can hold", async () => {
    const model = await readModel(
      modelBytes({
        node: [
          relu("x", "y"),
          {
            opType: "Constant",
            output: ["end"],
            attribute: [{ name: "value_ints", type: AttributeType.INTS, ints: [(1n << 63n) - 1n] }],
          },
        ],
      }),
    );
    const value = model.graph.nodes.find((node) => node.op === "Constant")?.attributes.value;
    expect(value?.kind === "tensor" && value.value.data).toEqual(
      BigInt64Array.of((1n << 63n) - 1n),
    );
  });
});

describe("external data", () => {
  const outside = (entries: Readonly<Record<string, string>>) =>
    withTensor({
      dataType: Type.FLOAT,
      dims: [2n],
      dataLocation: Location.EXTERNAL,
      externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
    });

  test("is asked for by place and becomes the tensor", async () => {
    const asked: unknown[] = [];
    const model = await readModel(outside({ location: "sub/w.bin", offset: "4096", length: "8" }), {
      async read(...request) {
        asked.push(request);
        return new Uint8Array(Float32Array.of(1, 2).buffer);
      },
    });
    expect(asked).toEqual([["sub/w.bin", 4096, 8]]);
    expect(model.graph.initializers.get("w")?.data).toEqual(Float32Array.of(1, 2));
  });

  const places = [
    "",
    "/etc/passwd",
    "../w",
    "a/../../w",
    "..",
    "a\\..\\w",
    "C:w",
    "w\0",
    "//host/w",
    "a/.. /w",
    "a//b",
    "dir/",
    "w:stream",
    "x".repeat(2000),
  ];
  test.each(places)("never leaves the model's folder: %j", async (location) => {
    const external = { read: () => Promise.reject(new Error("must not be asked")) };
    await expect(readModel(outside({ location }), external)).rejects.toMatchObject({
      fault: { code: "onnx/external-location" },
    });
  });

  test.each([
    ["onnx/lying-shape", { location: "w", length: "12" }],
    ["onnx/external-range", { location: "w", offset: "-1" }],
    ["onnx/external-range", { location: "w", offset: "1e3" }],
    ["onnx/external-range", { location: "w" }],
  ])("that does not fit is refused: %s %j", async (code, entries) => {
    const external = { read: async () => new Uint8Array(4) };
    await expect(readModel(outside(entries), external)).rejects.toMatchObject({ fault: { code } });
  });

  test("without a reader is refused", async () => {
    await expect(readModel(outside({ location: "w" }))).rejects.toMatchObject({
      fault: { code: "onnx/external-missing" },
    });
  });
});
