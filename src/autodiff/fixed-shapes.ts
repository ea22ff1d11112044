import { int } from "../onnx/attributes.ts";
import { foldConstant } from "../onnx/fold-constant.ts";
import type { Graph, Node } from "../onnx/graph.ts";
import { int64, type Tensor } from "../onnx/tensor.ts";

/**
 * The graph with its shape arithmetic replaced by constants, which it is at a given batch size:
 * backward rules need to know the axes, starts and lengths that exporters compute from shapes.
 * @param changing initializers that are not constants
 */
export function fixShapes(
  graph: Graph,
  shapes: ReadonlyMap<string, readonly number[]>,
  changing: ReadonlySet<string>,
): Graph {
  const initializers = new Map(graph.initializers);
  const exposed = new Set(graph.outputs.map((output) => output.name));
  const nodes = graph.nodes.filter((node) => {
    const tensor =
      shapeTensor(node, shapes) ??
      foldConstant(node, (value) => (changing.has(value) ? undefined : initializers.get(value)));
    const [output = ""] = node.outputs;
    if (tensor === undefined || exposed.has(output)) return true;
    initializers.set(output, tensor);
    return false;
  });
  return { ...graph, nodes, initializers };
}

function shapeTensor(
  node: Node,
  shapes: ReadonlyMap<string, readonly number[]>,
): Tensor | undefined {
  if (node.op !== "Shape" || node.domain !== "") return undefined;
  const dims = shapes.get(node.inputs[0] ?? "");
  return dims && int64(dims.slice(int(node, "start", 0), int(node, "end", undefined)));
}
