import type { Graph, Node } from "../onnx/graph.ts";
import { elementCount } from "../onnx/tensor.ts";
import { producers } from "../onnx/values.ts";

/** Inputs that hold parameters, by operator; the scale and shift of a norm, not its statistics. */
const weightInputs: Readonly<Record<string, readonly number[]>> = {
  Conv: [1, 2],
  ConvTranspose: [1, 2],
  Gemm: [0, 1, 2],
  MatMul: [0, 1],
  Einsum: [0, 1, 2],
  BatchNormalization: [1, 2],
  LayerNormalization: [1, 2],
  InstanceNormalization: [1, 2],
  GroupNormalization: [1, 2],
  RMSNormalization: [1],
  PRelu: [1],
};

/** Operators whose constants are parameters where they are tensors: biases, scales, embeddings. */
const elementwise: ReadonlySet<string> = new Set(["Add", "Sub", "Mul", "Div", "Concat", "Expand"]);

/** Operators through which a parameter may pass on its way to the node that uses it. */
const carriers: ReadonlySet<string> = new Set([
  "Identity",
  "Transpose",
  "Reshape",
  "Squeeze",
  "Unsqueeze",
  "Cast",
  "DequantizeLinear",
]);

/** The trainable initializers a node uses, directly or through a chain of reshapes, by name. */
export function nodeParameters(
  node: Node,
  graph: Graph,
  writers: ReadonlyMap<string, Node>,
): string[] {
  const positions = weightInputs[node.op] ?? node.inputs.map((_, at) => at);
  if (weightInputs[node.op] === undefined && !elementwise.has(node.op)) return [];
  const found: string[] = [];
  for (const position of positions) {
    const name = source(node.inputs[position] ?? "", writers);
    const tensor = graph.initializers.get(name);
    if (tensor === undefined || !isFloat(tensor.type)) continue;
    // A single number in an elementwise operator is part of a formula, not a parameter.
    if (elementwise.has(node.op) && elementCount(tensor.dims) <= 1) continue;
    found.push(name);
  }
  return found;
}

/** Every trainable initializer of a network, in the order the network uses them. */
export function trainableParameters(graph: Graph): string[] {
  const writers = producers(graph);
  const names = new Set<string>();
  for (const node of graph.nodes) {
    for (const name of nodeParameters(node, graph, writers)) names.add(name);
  }
  return [...names];
}

function source(value: string, writers: ReadonlyMap<string, Node>): string {
  let name = value;
  for (let node = writers.get(name); node !== undefined; node = writers.get(name)) {
    if (!carriers.has(node.op)) break;
    name = node.inputs[0] ?? "";
  }
  return name;
}

function isFloat(type: string): boolean {
  return type === "float32" || type === "float16" || type === "float64" || type === "bfloat16";
}
