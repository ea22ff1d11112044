import type { ParameterGroup } from "../autodiff/training-graph.ts";
import { nodeParameters } from "../models/parameters.ts";
import type { Graph } from "../onnx/graph.ts";
import { elementCount, type Tensor } from "../onnx/tensor.ts";
import { producers } from "../onnx/values.ts";

/**
 * Steps of AdamW are about as large as the rate, whatever the gradients. At the usual rate of 1e-3
 * a tensor of this root mean square changes by 1 % a step, the relative step of Adafactor (Shazeer
 * and Stern, 2018); a smaller one learns more slowly in proportion, or its pretraining is lost.
 */
const wholeRateRms = 0.1;
/** No tensor learns at less than this share, so that one of zeros learns at all. */
const leastShare = 0.01;

/**
 * Layer-wise learning-rate decay: the head learns at the full rate, every block before it at
 * `layerDecay` times the rate of the block after it (Howard and Ruder, ULMFiT, 2018; Bao et al.,
 * BEiT, 2022). 1 gives every layer the same rate. Weights of small root mean square before the
 * last cut learn at a smaller rate. Biases and norms get no weight decay.
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
  const scaleOf = (name: string) => {
    const block = blocks.get(name) ?? last;
    // The head is new: its first weights say nothing of what it should learn.
    const share = block === cuts.length ? 1 : shareOfRate(graph.initializers.get(name));
    return share * layerDecay ** (last - block);
  };
  return groupsOf(graph, scaleOf, [...blocks.keys()]);
}

/** 1 for biases and norms. */
function shareOfRate(parameter: Tensor | undefined): number {
  if (parameter?.type !== "float32" || isVector(parameter)) return 1;
  const squares = parameter.data.reduce((sum, value) => sum + value * value, 0);
  const rms = Math.sqrt(squares / parameter.data.length);
  return Math.max(leastShare, Math.min(1, rms / wholeRateRms));
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
  const parameter = graph.initializers.get(name);
  return parameter !== undefined && !isVector(parameter);
}

function isVector({ dims }: Tensor): boolean {
  return elementCount(dims) <= Math.max(0, ...dims);
}
