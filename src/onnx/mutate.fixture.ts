import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  NodeProtoSchema,
  type TensorProto,
} from "onnx-buf";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

type Pick = (below: number) => number;
type Mutation = (bytes: Uint8Array, pick: Pick, other: Uint8Array) => Uint8Array;

/** One damaged file: everything follows from the seeds and the index. */
export function mutated(seeds: readonly Uint8Array[], index: number) {
  const random = xoroshiro128plus(Math.imul(index + 1, 0x9e3779b1));
  const pick: Pick = (below) => (below <= 1 ? 0 : uniformInt(random, 0, below - 1));
  const seed = seeds[pick(seeds.length)] ?? new Uint8Array();
  const other = seeds[pick(seeds.length)] ?? new Uint8Array();
  const [name, mutate] = mutations[index % mutations.length] ?? ["nothing", (bytes) => bytes];
  let bytes = mutate(Uint8Array.from(seed), pick, other);
  // One file in four is damaged twice, so that one fault can hide behind another.
  if (pick(4) === 0) bytes = mutations[pick(byteMutations)]?.[1](bytes, pick, other) ?? bytes;
  return { name, bytes };
}

const interesting = [0, 1, 0x7f, 0x80, 0xff, 0x0a, 0x3a];
const hugeLengths = [0, 1, 127, 128, 16_384, 2 ** 28, 2 ** 31 - 1, 2 ** 32 - 1];
const odd64 = [-1n, 0n, 1n, 2n, 1n << 31n, 1n << 32n, 1n << 40n, (1n << 63n) - 1n, -(1n << 63n)];

const mutations: readonly (readonly [string, Mutation])[] = [
  ["bits flipped", flipBits],
  ["truncated", (bytes, pick) => bytes.slice(0, pick(bytes.length))],
  ["bytes overwritten", overwrite],
  ["length field changed", changeLength],
  ["part of another file", splice],
  ["part removed", remove],
  ["part repeated", repeat],
  ["random bytes", (_, pick) => Uint8Array.from({ length: pick(400) }, () => pick(256))],
  ["tensor lies", structural(lieAboutTensor)],
  ["names mixed up", structural(mixNames)],
  ["versions changed", structural(changeVersions)],
  ["bodies nested", structural(nestBodies)],
  ["nodes multiplied", structural(multiplyNodes)],
  ["attributes changed", structural(changeAttributes)],
];
const byteMutations = 7;

function flipBits(bytes: Uint8Array, pick: Pick): Uint8Array {
  for (let count = 1 + pick(8); count > 0; count--) {
    const at = pick(bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << pick(8));
  }
  return bytes;
}

function overwrite(bytes: Uint8Array, pick: Pick): Uint8Array {
  for (let count = 1 + pick(4); count > 0; count--) {
    bytes[pick(bytes.length)] = interesting[pick(interesting.length)] ?? 0;
  }
  return bytes;
}

function changeLength(bytes: Uint8Array, pick: Pick): Uint8Array {
  let at = pick(bytes.length);
  for (let tries = 0; tries < 200 && ((bytes[at] ?? 0) & 7) !== 2; tries++) at = pick(bytes.length);
  let end = at + 1;
  while ((bytes[end] ?? 0) >= 0x80) end++;
  return join(
    bytes.subarray(0, at + 1),
    varint(hugeLengths[pick(hugeLengths.length)] ?? 0),
    bytes.subarray(end + 1),
  );
}

function splice(bytes: Uint8Array, pick: Pick, other: Uint8Array): Uint8Array {
  const from = pick(other.length);
  const part = other.subarray(from, from + pick(500));
  const at = pick(bytes.length);
  return join(bytes.subarray(0, at), part, bytes.subarray(at + pick(2) * part.length));
}

function remove(bytes: Uint8Array, pick: Pick): Uint8Array {
  const at = pick(bytes.length);
  return join(bytes.subarray(0, at), bytes.subarray(at + 1 + pick(100)));
}

function repeat(bytes: Uint8Array, pick: Pick): Uint8Array {
  const at = pick(bytes.length);
  const part = bytes.subarray(at, at + 1 + pick(300));
  return join(bytes.subarray(0, at), ...Array(1 + pick(20)).fill(part), bytes.subarray(at));
}

/** A mutation of the decoded message; a file that no longer decodes is damaged enough. */
function structural(change: (model: ModelProto, graph: GraphProto, pick: Pick) => void): Mutation {
  return (bytes, pick) => {
    try {
      const model = fromBinary(ModelProtoSchema, bytes);
      model.graph ??= create(GraphProtoSchema);
      change(model, model.graph, pick);
      return toBinary(ModelProtoSchema, model);
    } catch {
      return bytes;
    }
  };
}

function lieAboutTensor(_: ModelProto, graph: GraphProto, pick: Pick): void {
  const tensors: TensorProto[] = [
    ...graph.initializer,
    ...graph.node.flatMap((node) => node.attribute.flatMap(({ t }) => (t ? [t] : []))),
  ];
  const tensor = tensors[pick(tensors.length)];
  if (tensor === undefined) return;
  const odd = () => odd64[pick(odd64.length)] ?? 0n;
  const lies = [
    () => tensor.dims.splice(pick(tensor.dims.length), 1, odd()),
    () => tensor.dims.push(odd()),
    () => tensor.dims.pop(),
    () => (tensor.dataType = pick(40) - 3),
    () => (tensor.rawData = tensor.rawData.slice(0, pick(tensor.rawData.length))),
    () => tensor.floatData.push(Number.NaN),
    () => tensor.int32Data.push(-pick(2 ** 31)),
    () => (tensor.dataLocation = 1),
    () => {
      tensor.dataLocation = 1;
      const texts = ["../w", "w", "/etc/passwd", "-1", "0", "99999999999999999999", String(odd())];
      for (const key of ["location", "offset", "length"]) {
        tensor.externalData.push({
          $typeName: "onnx.StringStringEntryProto",
          key,
          value: texts[pick(texts.length)] ?? "",
        });
      }
    },
  ];
  for (let count = 1 + pick(2); count > 0; count--) lies[pick(lies.length)]?.();
}

function mixNames(_: ModelProto, graph: GraphProto, pick: Pick): void {
  const names = [
    "",
    "__proto__",
    "constructor",
    ...graph.input.map(({ name }) => name),
    ...graph.initializer.map(({ name }) => name),
    ...graph.node.flatMap((node) => node.output),
  ];
  const any = () => names[pick(names.length)] ?? "";
  for (let count = 1 + pick(3); count > 0; count--) {
    const node = graph.node[pick(graph.node.length)];
    const tensor = graph.initializer[pick(graph.initializer.length)];
    const output = graph.output[pick(graph.output.length)];
    const changes = [
      () => node?.input.splice(pick(node.input.length), 1, any()),
      () => node?.output.splice(pick(node.output.length), 1, any()),
      () =>
        Object.assign(node ?? {}, {
          opType: ["", "If", "Constant", "Identity", "__proto__"][pick(5)] ?? "",
        }),
      () => Object.assign(tensor ?? {}, { name: any() }),
      () => Object.assign(output ?? {}, { name: any() }),
      () => graph.node.reverse(),
    ];
    changes[pick(changes.length)]?.();
  }
}

function changeVersions(model: ModelProto, _: GraphProto, pick: Pick): void {
  const odd = () => odd64[pick(odd64.length)] ?? 0n;
  const changes = [
    () => (model.irVersion = odd()),
    () => (model.irVersion = BigInt(pick(20))),
    () => (model.opsetImport = []),
    () => model.opsetImport.push(...model.opsetImport),
    () => model.opsetImport.map((opset) => (opset.version = odd())),
    () => model.opsetImport.map((opset) => (opset.version = BigInt(pick(30)))),
    () => model.opsetImport.map((opset) => (opset.domain = "ai.onnx")),
  ];
  changes[pick(changes.length)]?.();
}

function nestBodies(_: ModelProto, graph: GraphProto, pick: Pick): void {
  let body = create(GraphProtoSchema, {
    name: "inner",
    node: graph.node.slice(0, 2),
    output: graph.output,
  });
  for (let depth = pick(45); depth > 0; depth--) {
    const copies = 1 + pick(2);
    const attribute = Array.from({ length: depth > 7 ? 1 : copies }, (_, index) =>
      create(AttributeProtoSchema, { name: `body${index}`, type: AttributeType.GRAPH, g: body }),
    );
    const node = [create(NodeProtoSchema, { opType: "If", output: [`level ${depth}`], attribute })];
    body = create(GraphProtoSchema, { name: "level", node, output: graph.output });
  }
  graph.node.push(...body.node);
}

function multiplyNodes(model: ModelProto, graph: GraphProto, pick: Pick): void {
  const node = graph.node[pick(graph.node.length)];
  if (node === undefined) return;
  const last = graph.node.length;
  for (let index = pick(500); index > 0; index--) {
    const source = graph.node[pick(last)] ?? node;
    graph.node.push(
      create(NodeProtoSchema, {
        opType: source.opType,
        domain: source.domain,
        input: source.input.map((name) => (pick(3) === 0 ? `many ${pick(500)}` : name)),
        output: [`many ${index}`],
      }),
    );
  }
  if (pick(3) === 0) {
    model.functions.push(...model.functions.map((known) => ({ ...known, node: graph.node })));
  }
}

function changeAttributes(_: ModelProto, graph: GraphProto, pick: Pick): void {
  const nodes = graph.node.filter((node) => node.attribute.length > 0);
  const node = nodes[pick(nodes.length)];
  const attribute = node?.attribute[pick(node.attribute.length)];
  if (node === undefined || attribute === undefined) return;
  const changes = [
    () => (attribute.type = pick(20)),
    () => (attribute.name = ["", "value", "value_ints", "__proto__", "axes", "to"][pick(6)] ?? ""),
    () => (attribute.i = odd64[pick(odd64.length)] ?? 0n),
    () => attribute.ints.push(odd64[pick(odd64.length)] ?? 0n),
    () => (attribute.s = Uint8Array.of(pick(256), 0xff)),
    () => (attribute.refAttrName = "axis"),
    () => node.attribute.push(attribute),
    () => (node.opType = ["Constant", "Squeeze", "Split", "Resize", "Cast"][pick(5)] ?? ""),
  ];
  for (let count = 1 + pick(3); count > 0; count--) changes[pick(changes.length)]?.();
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Uint8Array.from([...bytes, rest]);
    bytes.push((rest % 128) | 0x80);
  }
}
