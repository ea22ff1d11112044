import type { ParameterGroup } from "../autodiff/training-graph.ts";
import { nodeParameters } from "../models/parameters.ts";
import type { Graph } from "../onnx/graph.ts";
import { elementCount } from "../onnx/tensor.ts";
import { producers } from "../onnx/values.ts";

/**
 * Layer-wise learning-rate decay: the head learns at the full rate, every block before it at
 * `layerDecay` times the rate of the block after it (Howard and Ruder, ULMFiT, 2018; Bao et al.,
 * BEiT, 2022). 1 gives every layer the same rate. Biases and norms get no weight decay.
 * @param cuts tensors between the blocks, from the front to the rear
 * @param layerDecay 0 to 1
 */
export function layerDecayGroups(
  graph: Graph,
  cuts: readonly string[],
  layerDecay: number,
): ParameterGroup[] {
  const blocks = parameterBlocks(graph, cuts);
  const last = Math.max(0, ...blocks.values());
  return groupsOf(graph, (name) => layerDecay ** (last - (blocks.get(name) ?? last)), [
    ...blocks.keys(),
  ]);
}

/**
 * Groups by a learning-rate scale a parameter; equal scales share a group and a scale of 0
 * leaves the parameter out, frozen.
 */
export function groupsOf(
  graph: Graph,
  scaleOf: (parameter: string) => number,
  parameters: readonly string[],
): ParameterGroup[] {
  const groups = new Map<string, ParameterGroup & { readonly parameters: string[] }>();
  for (const name of parameters) {
    const learningRateScale = scaleOf(name);
    if (learningRateScale === 0) continue;
    const weightDecayScale = decays(graph, name) ? 1 : 0;
    const key = `${learningRateScale}/${weightDecayScale}`;
    const group = groups.get(key) ?? { parameters: [], learningRateScale, weightDecayScale };
    group.parameters.push(name);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/**
 * The block each trainable parameter belongs to, counted from the front: the number of cuts
 * whose prefix does not hold the node that uses it. Parameters after the last cut are in block
 * `cuts.length`.
 */
export function parameterBlocks(
  graph: Graph,
  cuts: readonly string[],
): ReadonlyMap<string, number> {
  const writers = producers(graph);
  const blockOf = new Map<string, number>();
  cuts.forEach((cut, block) => {
    const open = [cut];
    for (let value = open.pop(); value !== undefined; value = open.pop()) {
      const node = writers.get(value);
      if (node === undefined || blockOf.has(node.name)) continue;
      blockOf.set(node.name, block);
      open.push(...node.inputs);
    }
  });
  const blocks = new Map<string, number>();
  for (const node of graph.nodes) {
    for (const name of nodeParameters(node, graph, writers)) {
      if (!blocks.has(name)) blocks.set(name, blockOf.get(node.name) ?? cuts.length);
    }
  }
  return blocks;
}

/** Biases and norm scales are vectors, whatever their rank; shrinking them only hurts. */
function decays(graph: Graph, name: string): boolean {
  const dims = graph.initializers.get(name)?.dims ?? [];
  return elementCount(dims) > Math.max(0, ...dims);
}
