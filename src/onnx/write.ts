import { create, toBinary } from "@bufbuild/protobuf";
import {
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "onnx-buf";
import { writeAttribute } from "./attribute-proto.ts";
import { toProtoType } from "./data-type.ts";
import { MAX_MODEL_BYTES } from "./external.ts";
import type { Dimension, Graph, Model, Node, ValueInfo } from "./graph.ts";
import { refuse } from "./refuse.ts";
import { writeTensor } from "./tensor-proto.ts";

/**
 * The bytes of an ONNX file with all weights inside it.
 * @throws ThawError `onnx/too-large` above 2 GiB, `onnx/unwritable` for values ONNX cannot hold
 */
export function writeModel(model: Model): Uint8Array {
  const weights = [...model.graph.initializers.values()].reduce(
    (total, tensor) => total + (tensor.type === "string" ? 0 : tensor.data.byteLength),
    0,
  );
  if (weights > MAX_MODEL_BYTES) {
    refuse("too-large", "This network's weights are more than the 2 GiB one ONNX file can hold", {
      next: "Use a smaller network or float16 weights.",
    });
  }
  const graph = writeGraph(model.graph);
  try {
    return toBinary(
      ModelProtoSchema,
      create(ModelProtoSchema, {
        irVersion: BigInt(model.irVersion),
        producerName: model.producer,
        opsetImport: [...model.opsets].map(([domain, version]) => ({
          domain,
          version: BigInt(version),
        })),
        metadataProps: [...model.metadata].map(([key, value]) => ({ key, value })),
        graph,
      }),
    );
  } catch (cause) {
    return refuse("unwritable", "This network holds a value that ONNX files cannot", {
      next: "Please report this with the command that led here.",
      cause,
    });
  }
}

function writeGraph(graph: Graph): GraphProto {
  return create(GraphProtoSchema, {
    name: graph.name,
    node: graph.nodes.map(writeNode),
    initializer: [...graph.initializers].map(([name, tensor]) => writeTensor(name, tensor)),
    input: graph.inputs.map(writeValueInfo),
    output: graph.outputs.map(writeValueInfo),
    valueInfo: [...graph.values.values()].map(writeValueInfo),
  });
}

function writeNode(node: Node): NodeProto {
  return create(NodeProtoSchema, {
    name: node.name,
    opType: node.op,
    domain: node.domain,
    input: [...node.inputs],
    output: [...node.outputs],
    attribute: Object.entries(node.attributes).map(([name, attribute]) =>
      writeAttribute(name, attribute, writeGraph),
    ),
  });
}

function writeValueInfo({ name, type, shape }: ValueInfo): ValueInfoProto {
  return create(ValueInfoProtoSchema, {
    name,
    type: {
      value: {
        case: "tensorType",
        value: {
          elemType: toProtoType(type),
          ...(shape === null ? {} : { shape: { dim: shape.map(writeDimension) } }),
        },
      },
    },
  });
}

function writeDimension(dimension: Dimension) {
  if (dimension === null) return {};
  return typeof dimension === "string"
    ? { value: { case: "dimParam" as const, value: dimension } }
    : { value: { case: "dimValue" as const, value: BigInt(dimension) } };
}
