import { create } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  AttributeProtoSchema,
  type FunctionProto,
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  type NodeProto,
  NodeProtoSchema,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "onnx-buf";
import { refuse } from "./refuse.ts";

/** Functions that double at each level would otherwise fill the memory from a tiny file. */
const MAX_NODES = 100_000;
const MAX_DEPTH = 32;

/** What a function's body is written with at one call. */
interface Call {
  readonly names: ReadonlyMap<string, string>;
  /** Put before the names of values inside the body. */
  readonly prefix: string;
  readonly attributes: ReadonlyMap<string, AttributeProto>;
}

/**
 * Replaces every call of a function the model defines by the function's body, in place.
 * @throws ThawError `onnx/too-complex`, `onnx/recursive-function`, `onnx/duplicate-opset`
 */
export function inlineFunctions(model: ModelProto, graph: GraphProto): void {
  if (model.functions.length === 0) return;
  const functions = new Map(model.functions.map((definition) => [keyOf(definition), definition]));
  for (const definition of model.functions) adoptOpsets(model, definition);
  let written = 0;
  let calls = 0;

  const expand = (nodes: readonly NodeProto[], depth: number): NodeProto[] =>
    nodes.flatMap((node) => {
      const definition = functions.get(
        keyOf({ domain: node.domain, name: node.opType, overload: node.overload }),
      );
      if (++written > MAX_NODES) refuse("too-complex", "The model's functions unfold without end");
      if (definition === undefined) {
        for (const { g } of node.attribute) if (g !== undefined) g.node = expand(g.node, depth);
        return [node];
      }
      if (depth >= MAX_DEPTH) {
        refuse("recursive-function", "A function of this model calls itself", {
          where: definition.name,
        });
      }
      const call = callOf(node, definition, `${node.name || node.opType}/${++calls}/`);
      return expand(
        definition.node.map((inner) => writeInner(inner, call)),
        depth + 1,
      );
    });
  graph.node = expand(graph.node, 0);
}

function keyOf({ domain, name, overload }: Pick<FunctionProto, "domain" | "name" | "overload">) {
  return JSON.stringify([domain, name, overload]);
}

function adoptOpsets(model: ModelProto, definition: FunctionProto): void {
  for (const wanted of definition.opsetImport) {
    const present = model.opsetImport.find(({ domain }) => domain === wanted.domain);
    if (present === undefined) model.opsetImport.push(wanted);
    else if (present.version !== wanted.version) {
      refuse("duplicate-opset", "A function uses another operator set than its model", {
        where: definition.name,
      });
    }
  }
}

function callOf(node: NodeProto, definition: FunctionProto, prefix: string): Call {
  const names = new Map<string, string>();
  definition.output.forEach((formal, index) => {
    names.set(formal, node.output[index] || prefix + formal);
  });
  definition.input.forEach((formal, index) => {
    names.set(formal, node.input[index] ?? "");
  });
  const attributes = new Map(
    [...definition.attributeProto, ...node.attribute].map((attribute) => [
      attribute.name,
      attribute,
    ]),
  );
  return { names, prefix, attributes };
}

function writeInner(node: NodeProto, call: Call): NodeProto {
  return create(NodeProtoSchema, {
    name: node.name === "" ? "" : call.prefix + node.name,
    opType: node.opType,
    domain: node.domain,
    overload: node.overload,
    input: node.input.map((name) => nameIn(call, name)),
    output: node.output.map((name) => nameIn(call, name)),
    attribute: node.attribute.flatMap((attribute) => writeInnerAttribute(attribute, call)),
  });
}

function nameIn(call: Call, name: string): string {
  return name === "" ? "" : (call.names.get(name) ?? call.prefix + name);
}

/** A reference to an attribute the call does not give leaves the operator its default. */
function writeInnerAttribute(attribute: AttributeProto, call: Call): AttributeProto[] {
  if (attribute.refAttrName !== "") {
    const given = call.attributes.get(attribute.refAttrName);
    if (given === undefined) return [];
    return [Object.assign(create(AttributeProtoSchema), given, { name: attribute.name })];
  }
  if (attribute.g === undefined) return [attribute];
  const body = writeInnerBody(attribute.g, call);
  return [Object.assign(create(AttributeProtoSchema), attribute, { g: body })];
}

function writeInnerBody(body: GraphProto, call: Call): GraphProto {
  // Spreading a message would lose the defaults of unset fields, which stand on its prototype.
  return Object.assign(create(GraphProtoSchema), {
    name: body.name,
    node: body.node.map((node) => writeInner(node, call)),
    input: body.input.map((info) => renamed(info, call)),
    output: body.output.map((info) => renamed(info, call)),
    initializer: body.initializer.map((tensor) =>
      Object.assign(create(TensorProtoSchema), tensor, { name: nameIn(call, tensor.name) }),
    ),
    sparseInitializer: body.sparseInitializer,
  });
}

function renamed(info: ValueInfoProto, call: Call): ValueInfoProto {
  return Object.assign(create(ValueInfoProtoSchema), info, { name: nameIn(call, info.name) });
}
