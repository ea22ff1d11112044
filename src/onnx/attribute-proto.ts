import { create, isFieldSet } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  type GraphProto,
  type NodeProto,
} from "onnx-buf";
import type { Attribute, Graph } from "./graph.ts";
import { refuse } from "./refuse.ts";
import { decodeText, readTensor, writeTensor } from "./tensor-proto.ts";

/**
 * A node's attributes by name.
 * @throws ThawError `onnx/duplicate-name`, `onnx/unsupported-attribute`, and what tensors throw
 */
export function readAttributes(
  node: NodeProto,
  where: string,
  readGraph: (proto: GraphProto) => Graph,
): Record<string, Attribute> {
  const entries = new Map<string, Attribute>();
  for (const proto of node.attribute) {
    const place = `${where}, attribute ${proto.name}`;
    if (entries.has(proto.name))
      refuse("duplicate-name", "An attribute is given twice", { where: place });
    if (node.opType === "Constant" && proto.name.startsWith("value_int")) {
      entries.set("value", exactIntegers(proto));
    } else {
      entries.set(proto.name, readAttribute(proto, place, readGraph));
    }
  }
  return Object.fromEntries(entries);
}

/** Constants may hold integers that no JavaScript number can, such as the end of an open slice. */
function exactIntegers(proto: AttributeProto): Attribute {
  const list = proto.name === "value_ints";
  const data = BigInt64Array.from(list ? proto.ints : [proto.i]);
  return { kind: "tensor", value: { type: "int64", dims: list ? [data.length] : [], data } };
}

function readAttribute(
  proto: AttributeProto,
  where: string,
  readGraph: (proto: GraphProto) => Graph,
): Attribute {
  if (proto.refAttrName !== "") {
    refuse("unsupported-attribute", "An attribute refers to a function it is not part of", {
      where,
    });
  }
  switch (typeOf(proto)) {
    case AttributeType.INT:
      return { kind: "int", value: safeInteger(proto.i, where) };
    case AttributeType.INTS:
      return { kind: "ints", value: proto.ints.map((value) => safeInteger(value, where)) };
    case AttributeType.FLOAT:
      return { kind: "float", value: proto.f };
    case AttributeType.FLOATS:
      return { kind: "floats", value: proto.floats };
    case AttributeType.STRING:
      return { kind: "string", value: decodeText(proto.s, where) };
    case AttributeType.STRINGS:
      return { kind: "strings", value: proto.strings.map((bytes) => decodeText(bytes, where)) };
    case AttributeType.TENSOR:
      if (proto.t !== undefined) return { kind: "tensor", value: readTensor(proto.t, where) };
      break;
    case AttributeType.GRAPH:
      if (proto.g !== undefined) return { kind: "graph", value: readGraph(proto.g) };
      break;
  }
  return refuse("unsupported-attribute", "An attribute is of a kind Thaw does not know", { where });
}

/** Files older than the type field are told by the one field that is set. */
function typeOf(proto: AttributeProto): AttributeType {
  if (proto.type !== AttributeType.UNDEFINED) return proto.type;
  const { field } = AttributeProtoSchema;
  if (isFieldSet(proto, field.f)) return AttributeType.FLOAT;
  if (isFieldSet(proto, field.i)) return AttributeType.INT;
  if (isFieldSet(proto, field.s)) return AttributeType.STRING;
  if (proto.t !== undefined) return AttributeType.TENSOR;
  if (proto.g !== undefined) return AttributeType.GRAPH;
  if (proto.floats.length > 0) return AttributeType.FLOATS;
  if (proto.ints.length > 0) return AttributeType.INTS;
  if (proto.strings.length > 0) return AttributeType.STRINGS;
  return AttributeType.UNDEFINED;
}

function safeInteger(value: bigint, where: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) {
    refuse("unsupported-attribute", `An attribute holds the huge integer ${value}`, { where });
  }
  return number;
}

/** Encodes one attribute. */
export function writeAttribute(
  name: string,
  attribute: Attribute,
  writeGraph: (graph: Graph) => GraphProto,
): AttributeProto {
  return create(AttributeProtoSchema, { name, ...content(attribute, writeGraph) });
}

function content(attribute: Attribute, writeGraph: (graph: Graph) => GraphProto) {
  const encoder = new TextEncoder();
  switch (attribute.kind) {
    case "int":
      return { type: AttributeType.INT, i: BigInt(attribute.value) };
    case "ints":
      return { type: AttributeType.INTS, ints: attribute.value.map(BigInt) };
    case "float":
      return { type: AttributeType.FLOAT, f: attribute.value };
    case "floats":
      return { type: AttributeType.FLOATS, floats: [...attribute.value] };
    case "string":
      return { type: AttributeType.STRING, s: encoder.encode(attribute.value) };
    case "strings":
      return {
        type: AttributeType.STRINGS,
        strings: attribute.value.map((text) => encoder.encode(text)),
      };
    case "tensor":
      return { type: AttributeType.TENSOR, t: writeTensor("", attribute.value) };
    case "graph":
      return { type: AttributeType.GRAPH, g: writeGraph(attribute.value) };
  }
}
