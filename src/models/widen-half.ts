import type { Attribute, Graph, Model, ValueInfo } from "../onnx/graph.ts";
import { mapBodies } from "../onnx/rename.ts";
import { float32, type Tensor } from "../onnx/tensor.ts";
import { decodeHalf } from "./float16.ts";

/** ONNX's numbers for element types in Cast. */
const FLOAT = 1;
const FLOAT16 = 10;

/** A network in half precision as one in float32, which training needs; others stay as they are. */
export function widenHalf(model: Model): Model {
  const halves = [...model.graph.initializers.values()].some(({ type }) => type === "float16");
  return halves ? { ...model, graph: widen(model.graph) } : model;
}

function widen(graph: Graph): Graph {
  return {
    ...graph,
    inputs: graph.inputs.map(widenInfo),
    outputs: graph.outputs.map(widenInfo),
    values: new Map(),
    initializers: new Map(
      [...graph.initializers].map(([name, tensor]) => [name, widenTensor(tensor)]),
    ),
    nodes: graph.nodes.map((node) => {
      const inner = mapBodies(node, widen);
      const attributes = Object.entries(inner.attributes).map(([name, attribute]) => [
        name,
        widenAttribute(name, attribute),
      ]);
      return { ...inner, attributes: Object.fromEntries(attributes) };
    }),
  };
}

function widenAttribute(name: string, attribute: Attribute): Attribute {
  if (attribute.kind === "tensor") return { kind: "tensor", value: widenTensor(attribute.value) };
  const isType = name === "to" || name === "dtype";
  const isHalf = attribute.kind === "int" && attribute.value === FLOAT16;
  return isType && isHalf ? { kind: "int", value: FLOAT } : attribute;
}

function widenTensor(tensor: Tensor): Tensor {
  return tensor.type === "float16" ? float32(decodeHalf(tensor.data), tensor.dims) : tensor;
}

function widenInfo(info: ValueInfo): ValueInfo {
  return info.type === "float16" ? { ...info, type: "float32" } : info;
}
