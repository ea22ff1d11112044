import { fromBinary } from "@bufbuild/protobuf";
import {
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from "onnx-buf";
import { readAttributes } from "./attribute-proto.ts";
import { checked } from "./check.ts";
import { fromProtoType, protoTypeName } from "./data-type.ts";
import { elementTypes } from "./element-types.ts";
import { type ExternalData, loadExternal } from "./external.ts";
import { inlineFunctions } from "./functions.ts";
import type { Dimension, Graph, Model, Node, ValueInfo } from "./graph.ts";
import { refuse } from "./refuse.ts";
import { scan } from "./scan.ts";
import type { DataType, Tensor } from "./tensor.ts";
import { readTensor } from "./tensor-proto.ts";

/** Oldest file version whose initializers need not be listed among the inputs. */
const OLDEST_IR = 4;
const MAX_BODY_DEPTH = 8;

/**
 * Reads an ONNX model and checks it. Weights stored raw and aligned are views of `bytes`, which
 * must not change afterwards. Initializers listed among the inputs are taken out of the inputs.
 * @param external reads weights stored beside the model; without it such models are refused
 * @throws ThawError `onnx/...`: what is wrong with the file
 */
export async function readModel(bytes: Uint8Array, external?: ExternalData): Promise<Model> {
  const proto = decode(bytes);
  if (proto.graph === undefined) return refuse("not-onnx", "This file holds no network");
  inlineFunctions(proto, proto.graph);
  await loadExternal(proto.graph, external);
  return checked({
    graph: readGraph(proto.graph, 0),
    opsets: readOpsets(proto),
    irVersion: Math.max(OLDEST_IR, wholeNumber(proto.irVersion, "the file version")),
    producer: proto.producerName,
    metadata: new Map(proto.metadataProps.map(({ key, value }) => [key, value])),
  });
}

function decode(bytes: Uint8Array): ModelProto {
  const decodable = scan(bytes, ModelProtoSchema);
  try {
    return fromBinary(ModelProtoSchema, decodable, { readUnknownFields: false });
  } catch (cause) {
    return refuse("malformed", "This ONNX file is damaged", { cause });
  }
}

function readOpsets(proto: ModelProto): Map<string, number> {
  const opsets = new Map<string, number>();
  for (const { domain, version } of proto.opsetImport) {
    const name = standardDomain(domain);
    const number = wholeNumber(version, "an operator set's version");
    if ((opsets.get(name) ?? number) !== number) {
      refuse("duplicate-opset", "This model names two versions of one operator set", {
        where: domain,
      });
    }
    opsets.set(name, number);
  }
  return opsets;
}

/** `ai.onnx` is another spelling of the standard domain. */
function standardDomain(domain: string): string {
  return domain === "ai.onnx" ? "" : domain;
}

function wholeNumber(value: bigint, what: string): number {
  if (value < 0n || value > 1_000_000n) refuse("malformed", `${what} cannot be ${value}`);
  return Number(value);
}

function readGraph(proto: GraphProto, depth: number): Graph {
  if (depth > MAX_BODY_DEPTH) {
    refuse("too-deep", "Control flow is nested too deeply", { where: proto.name });
  }
  if (proto.sparseInitializer.length > 0) {
    refuse("unsupported", "Sparse weights are not supported", {
      where: proto.sparseInitializer[0]?.values?.name ?? proto.name,
      next: "Export the network with dense weights.",
    });
  }
  const initializers = readInitializers(proto.initializer);
  const graph = {
    name: proto.name,
    nodes: proto.node.map((node, index) => readNode(node, index, depth)),
    inputs: proto.input.filter(({ name }) => !initializers.has(name)).map(readValueInfo),
    outputs: [],
    initializers,
    values: readValues(proto.valueInfo),
  };
  return { ...graph, outputs: readOutputs(proto.output, graph) };
}

/** Some exporters leave the types of outputs to whoever runs the network. */
function readOutputs(protos: readonly ValueInfoProto[], graph: Graph): ValueInfo[] {
  const untyped = protos.some(({ type }) => type === undefined);
  const types = untyped ? elementTypes(graph) : new Map<string, DataType>();
  return protos.map((proto) => {
    const type = proto.type === undefined ? types.get(proto.name) : undefined;
    return type === undefined ? readValueInfo(proto) : { name: proto.name, type, shape: null };
  });
}

function readInitializers(protos: readonly TensorProto[]): Map<string, Tensor> {
  const initializers = new Map<string, Tensor>();
  for (const proto of protos) {
    if (proto.name === "") refuse("malformed", "An initializer has no name");
    if (initializers.has(proto.name)) {
      refuse("duplicate-name", "Two initializers share a name", { where: proto.name });
    }
    initializers.set(proto.name, readTensor(proto, proto.name));
  }
  return initializers;
}

function readNode(proto: NodeProto, index: number, depth: number): Node {
  const where = `${proto.opType} ${proto.name || index}`;
  if (proto.opType === "") refuse("malformed", "A node names no operator", { where });
  return {
    name: proto.name,
    op: proto.opType,
    domain: standardDomain(proto.domain),
    inputs: proto.input,
    outputs: proto.output,
    attributes: readAttributes(proto, where, (graph) => readGraph(graph, depth + 1)),
  };
}

/** What the file says about intermediates is only advice, so what cannot be used is left out. */
function readValues(protos: readonly ValueInfoProto[]): Map<string, ValueInfo> {
  const values = new Map<string, ValueInfo>();
  for (const proto of protos) {
    const { type } = proto;
    if (type?.value.case !== "tensorType") continue;
    if (fromProtoType(type.value.value.elemType) === undefined) continue;
    values.set(proto.name, readValueInfo(proto));
  }
  return values;
}

function readValueInfo(proto: ValueInfoProto): ValueInfo {
  const where = proto.name;
  if (where === "") refuse("malformed", "An input or output has no name");
  const type = proto.type?.value;
  if (type?.case !== "tensorType") {
    return refuse("unsupported-type", "An input or output is no tensor", {
      where,
      next: "Export the network so that it takes and gives plain tensors.",
    });
  }
  const { elemType, shape } = type.value;
  const element = fromProtoType(elemType);
  if (element === undefined) {
    return refuse(
      "unsupported-type",
      `Tensors of type ${protoTypeName(elemType)} are not supported`,
      {
        where,
      },
    );
  }
  return {
    name: proto.name,
    type: element,
    shape: shape === undefined ? null : shape.dim.map(({ value }) => readDimension(value)),
  };
}

function readDimension(
  value:
    | { case: "dimValue"; value: bigint }
    | { case: "dimParam"; value: string }
    | { case: undefined },
): Dimension {
  if (value.case === "dimParam") return value.value === "" ? null : value.value;
  // Some exporters write -1 for a dimension they do not know.
  if (value.case === undefined || value.value < 0n || value.value > 2n ** 31n) return null;
  return Number(value.value);
}
