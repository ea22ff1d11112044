import * as attribute from "./attributes.ts";
import { constantTensor } from "./constant.ts";
import { fromProtoType } from "./data-type.ts";
import type { Graph, Node } from "./graph.ts";
import type { DataType } from "./tensor.ts";
import { bodies } from "./values.ts";

/** Operators whose outputs all have one type whatever goes in. */
const fixed: Readonly<Record<string, DataType>> = {
  Shape: "int64",
  Size: "int64",
  NonZero: "int64",
  ArgMax: "int64",
  ArgMin: "int64",
  NonMaxSuppression: "int64",
  Equal: "bool",
  Less: "bool",
  LessOrEqual: "bool",
  Greater: "bool",
  GreaterOrEqual: "bool",
  And: "bool",
  Or: "bool",
  Xor: "bool",
  Not: "bool",
  IsNaN: "bool",
  IsInf: "bool",
  ConvInteger: "int32",
  MatMulInteger: "int32",
};

/** Operators whose output takes the type of an input other than the first. */
const typedByInput: Readonly<Record<string, number>> = {
  Where: 1,
  OneHot: 2,
  DequantizeLinear: 1,
  QuantizeLinear: 2,
  QLinearConv: 7,
  QLinearMatMul: 7,
};

/** Operators whose second output has a type of its own. */
const secondOutput: Readonly<Record<string, DataType>> = {
  Dropout: "bool",
  MaxPool: "int64",
  TopK: "int64",
};

type TypeOf = (value: string) => DataType | undefined;

/**
 * Element type of every value, as far as the standard operators tell; what a custom operator puts
 * out is taken from the declarations, else assumed to be of its first input's type.
 */
export function elementTypes(
  graph: Graph,
  around: TypeOf = () => undefined,
): Map<string, DataType> {
  const types = new Map<string, DataType>();
  const typeOf: TypeOf = (value) => types.get(value) ?? around(value);
  for (const { name, type } of graph.inputs) types.set(name, type);
  for (const [name, { type }] of graph.initializers) types.set(name, type);
  for (const node of graph.nodes) {
    node.outputs.forEach((output, index) => {
      const type = outputType(node, index, typeOf) ?? graph.values.get(output)?.type;
      if (output !== "" && type !== undefined) types.set(output, type);
    });
  }
  return types;
}

function outputType(node: Node, index: number, typeOf: TypeOf): DataType | undefined {
  const { op } = node;
  const [body] = bodies(node);
  if (body !== undefined) {
    // A Loop's body also puts out its condition, which the node itself does not.
    const output = body.outputs[op === "Loop" ? index + 1 : index];
    return output && (elementTypes(body, typeOf).get(output.name) ?? output.type);
  }
  if (index === 1 && Object.hasOwn(secondOutput, op)) return secondOutput[op];
  if (Object.hasOwn(fixed, op)) return fixed[op];
  switch (op) {
    case "Constant":
      return constantTensor(node)?.type;
    case "ConstantOfShape":
      return attribute.tensor(node, "value")?.type ?? "float32";
    case "Cast":
      return fromProtoType(attribute.int(node, "to", 1));
    case "QuantizeLinear":
      return typeOf(node.inputs[2] ?? "") ?? "uint8";
    case "DynamicQuantizeLinear":
      return index === 1 ? "float32" : "uint8";
    case "RandomNormal":
    case "RandomUniform":
      return fromProtoType(attribute.int(node, "dtype", 1));
  }
  const position = Object.hasOwn(typedByInput, op) ? (typedByInput[op] ?? 0) : 0;
  return typeOf(node.inputs[position] ?? "");
}
