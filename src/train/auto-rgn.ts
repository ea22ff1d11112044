import type { ParameterGroup } from "../autodiff/training-graph.ts";
import { nodeParameters } from "../models/parameters.ts";
import type { Graph } from "../onnx/graph.ts";
import type { Tensor } from "../onnx/tensor.ts";
import { producers } from "../onnx/values.ts";
import { groupsOf } from "./parameter-groups.ts";

/**
 * Auto-RGN: every layer's learning rate is scaled by its relative gradient norm, the norm of its
 * gradient over the norm of its weights, divided by the largest one, so scales lie within 0 to 1
 * (Lee et al., Surgical Fine-Tuning Improves Adaptation to Distribution Shifts, 2022). A layer is
 * a node with its weights and bias.
 * @param gradients by parameter, of the loss over the training pictures
 */
export function autoRgnGroups(
  graph: Graph,
  gradients: ReadonlyMap<string, Tensor>,
): ParameterGroup[] {
  const writers = producers(graph);
  const relative = new Map<string, number>();
  for (const node of graph.nodes) {
    const names = nodeParameters(node, graph, writers).filter((name) => gradients.has(name));
    const gradient = norm(names.map((name) => gradients.get(name)));
    const weights = norm(names.map((name) => graph.initializers.get(name)));
    for (const name of names) relative.set(name, weights === 0 ? 0 : gradient / weights);
  }
  const highest = Math.max(...relative.values());
  return groupsOf(graph, (name) => (highest > 0 ? (relative.get(name) ?? 0) / highest : 1), [
    ...relative.keys(),
  ]);
}

function norm(tensors: readonly (Tensor | undefined)[]): number {
  let sum = 0;
  for (const tensor of tensors) {
    if (tensor?.type !== "float32") continue;
    for (const value of tensor.data) sum += value * value;
  }
  return Math.sqrt(sum);
}
