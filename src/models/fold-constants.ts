import type { Model, Node } from "../onnx/graph.ts";
import { prune } from "../onnx/prune.ts";
import { subgraph } from "../onnx/subgraph.ts";
import { reads } from "../onnx/values.ts";
import { writeModel } from "../onnx/write.ts";
import type { Runtime } from "../runtime/session.ts";

/**
 * Replaces everything that does not depend on the network's inputs (shape arithmetic that
 * exporters leave behind, dequantised or transposed weights) by its value, computed once by the
 * runtime.
 * @throws ThawError `runtime/load-failed`, `runtime/run-failed`
 */
export async function foldConstants(runtime: Runtime, model: Model): Promise<Model> {
  const { graph } = model;
  const dependent = new Set(graph.inputs.map(({ name }) => name));
  const constant = new Set<string>();
  const remaining: Node[] = [];
  for (const node of graph.nodes) {
    const isDependent = isRandom(node) || reads(node).some((value) => dependent.has(value));
    if (isDependent) remaining.push(node);
    for (const output of node.outputs) (isDependent ? dependent : constant).add(output);
  }
  const wanted = [...new Set(remaining.flatMap(reads))].filter((value) => constant.has(value));
  if (wanted.length === 0) return model;
  const session = await runtime.open(writeModel(subgraph(model, { inputs: {}, outputs: wanted })));
  try {
    const values = await session.run({});
    const initializers = new Map([...graph.initializers, ...Object.entries(values)]);
    return { ...model, graph: prune({ ...graph, nodes: remaining, initializers }) };
  } finally {
    await session.release();
  }
}

function isRandom(node: Node): boolean {
  return /^(Random|Bernoulli|Multinomial)/.test(node.op);
}
