import type { Node } from "../onnx/graph.ts";
import { elementCount } from "../onnx/tensor.ts";

/** Dimensions of values by name. */
export type Shapes = ReadonlyMap<string, readonly number[]>;

/**
 * Multiply-adds of one node: convolutions and matrix products, the way papers count them;
 * everything else (norms, activations, pooling) counts as 0, and so does a node of unknown shape.
 */
export function multiplyAdds(node: Node, shapes: Shapes): number {
  const input = shapes.get(node.inputs[0] ?? "");
  const second = shapes.get(node.inputs[1] ?? "");
  const output = shapes.get(node.outputs[0] ?? "");
  if (input === undefined || second === undefined || output === undefined) return 0;
  switch (node.op) {
    case "Conv":
      // Kernel [out, in / group, ...size]: one multiply-add a kernel element and output element.
      return elementCount(output) * elementCount(second.slice(1));
    case "ConvTranspose":
      // Kernel [in, out / group, ...size], applied at every input element.
      return elementCount(input) * elementCount(second.slice(1));
    case "Gemm": {
      const transposed = node.attributes.transA;
      const inner = transposed?.kind === "int" && transposed.value === 1 ? input[0] : input[1];
      return elementCount(output) * (inner ?? 1);
    }
    case "MatMul":
      return elementCount(output) * (input.at(-1) ?? 1);
    case "Einsum":
      return einsum(node, shapes);
    default:
      return 0;
  }
}

/** One multiply-add for every combination of the equation's labels. */
function einsum(node: Node, shapes: Shapes): number {
  const equation = node.attributes.equation;
  if (equation?.kind !== "string" || equation.value.includes(".")) return 0;
  const [terms = ""] = equation.value.replaceAll(" ", "").split("->");
  const sizes = new Map<string, number>();
  terms.split(",").forEach((labels, at) => {
    const dims = shapes.get(node.inputs[at] ?? "") ?? [];
    [...labels].forEach((label, axis) => {
      sizes.set(label, dims[axis] ?? 1);
    });
  });
  return elementCount([...sizes.values()]);
}
