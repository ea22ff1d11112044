import type { Graph, Node } from "../onnx/graph.ts";
import { consumers, producers } from "../onnx/values.ts";

/**
 * Lets MaxPool run before the Relu it follows: both orders give the same values and, where Relu
 * lets a gradient pass at all, the same gradients, and Relu then handles a fraction of the elements.
 * @param shapes dimensions of every value; takes in those of the values whose dimensions change
 */
export function poolFirst(graph: Graph, shapes: Map<string, readonly number[]>): Graph {
  const written = producers(graph);
  const readers = consumers(graph);
  const exposed = new Set(graph.outputs.map(({ name }) => name));
  const replaced = new Map<Node, readonly Node[]>();
  for (const pool of graph.nodes) {
    const [between = ""] = pool.inputs;
    const relu = written.get(between);
    if (pool.op !== "MaxPool" || pool.domain !== "" || pool.outputs.length > 1) continue;
    if (relu?.op !== "Relu" || relu.domain !== "") continue;
    if (readers.get(between)?.length !== 1 || exposed.has(between)) continue;
    shapes.set(between, shapes.get(pool.outputs[0] ?? "") ?? []);
    replaced.set(relu, []);
    replaced.set(pool, [
      { ...pool, inputs: relu.inputs, outputs: [between] },
      { ...relu, inputs: [between], outputs: pool.outputs },
    ]);
  }
  return { ...graph, nodes: graph.nodes.flatMap((node) => replaced.get(node) ?? [node]) };
}
