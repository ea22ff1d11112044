import { elementTypes } from "../onnx/element-types.ts";
import type { Graph, Model, Node } from "../onnx/graph.ts";
import { subgraph } from "../onnx/subgraph.ts";
import { elementCount } from "../onnx/tensor.ts";
import { consumers, producers, reads } from "../onnx/values.ts";
import { blockNames, modulePath } from "./block-names.ts";
import { backboneFeatures, mainOutput } from "./features.ts";
import { multiplyAdds, type Shapes } from "./flops.ts";
import { imageInput } from "./image-input.ts";
import { nodeParameters } from "./parameters.ts";
import type { Cut } from "./pretrained.ts";

/** More candidates than a person wants to look at; also the granularity block names aim for. */
const CANDIDATES = 10;

/** What one node on a path from input to output adds. */
interface Step {
  readonly node: Node;
  readonly parameters: readonly string[];
  readonly flops: number;
  /** Module names of a node with a weight matrix or kernel; undefined for all others. */
  readonly path?: readonly string[];
}

/**
 * All cuts of a network in depth order, from its input (freezes nothing) to the features that
 * enter the classifier (freezes the whole backbone). Cuts of one block share its name; the last
 * of them is the block's end.
 *
 * A tensor is on every path from input to output exactly when, in any topological order, no edge
 * jumps over it: every other tensor on such a path is its ancestor, and stands before it, or its
 * descendant, and stands behind it, and an edge between the two would be a way around. So one
 * sweep that remembers how far the edges seen so far reach finds every cut in time linear in the
 * size of the graph. (These are the dominators of the output in a graph with one source; Lengauer
 * and Tarjan 1979 treat the general case.)
 *
 * Left out are tensors that training could not start from: integer ones, those whose first
 * dimension is not the batch, and those with a parameter in use on both sides.
 * @param shapes dimensions of every value for a batch of one
 */
export function listCuts(model: Model, shapes: Shapes): Cut[] {
  const input = imageInput(model).name;
  const features = backboneFeatures(model, shapes);
  // What else a network puts out, hidden states or auxiliary logits, is no way to the classifier.
  const { graph } = subgraph(model, { outputs: [mainOutput(model.graph, shapes)] });
  const steps = stepsOf(graph, input, shapes);
  const last = steps.findIndex(({ node }) => node.outputs.includes(features));
  const found = [{ value: input, at: -1 }, ...crossings(graph, steps, input)].filter(
    ({ value, at }) => at <= last && shapes.get(value)?.[0] === 1,
  );
  const names = nameCuts(
    steps,
    found.map(({ at }) => at),
  );
  const totals = running(steps, graph);
  const end = totals.at(-1) ?? { parameters: 0, flops: 0 };
  return found.map(({ value, at }, index) => {
    const before = totals[at + 1] ?? end;
    return {
      value,
      name: names[index] ?? value,
      depth: at + 1,
      dims: shapes.get(value) ?? [],
      parametersBefore: before.parameters,
      parametersAfter: end.parameters - before.parameters,
      flopsBefore: before.flops,
      flopsAfter: end.flops - before.flops,
    };
  });
}

/**
 * The cuts worth choosing from, in depth order: ends of blocks a person would recognise, spread
 * evenly over the network, with the input (freezes nothing) first and the features that enter
 * the classifier (trains only the head) last.
 * @param max at least 2
 */
export function candidateThawPoints(cuts: readonly Cut[], max = CANDIDATES): Cut[] {
  const ends = cuts.filter((cut, at) => cut.name !== cuts[at + 1]?.name);
  if (ends.length <= max) return ends;
  return Array.from({ length: max }, (_, at) => Math.round((at * (ends.length - 1)) / (max - 1)))
    .map((at) => ends[at])
    .filter((cut) => cut !== undefined);
}

/** The nodes on paths from the image to an output, in graph order. */
function stepsOf(graph: Graph, input: string, shapes: Shapes): Step[] {
  const forward = new Set([input]);
  for (const node of graph.nodes) {
    if (reads(node).some((value) => forward.has(value))) {
      for (const output of node.outputs) if (output !== "") forward.add(output);
    }
  }
  const needed = new Set(graph.outputs.map(({ name }) => name));
  const onPath: Node[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((output) => needed.has(output))) continue;
    for (const value of reads(node)) needed.add(value);
    if (node.outputs.some((output) => forward.has(output))) onPath.push(node);
  }
  const writers = producers(graph);
  return onPath.toReversed().map((node) => {
    const parameters = nodeParameters(node, graph, writers);
    const [weight = ""] = parameters;
    const flops = multiplyAdds(node, shapes);
    const weighted = flops > 0 && parameters.length > 0;
    return {
      node,
      parameters,
      flops,
      ...(weighted ? { path: modulePath(weight, node.name) } : {}),
    };
  });
}

/** Float tensors every path crosses, each with the index of the step that writes it. */
function crossings(graph: Graph, steps: readonly Step[], input: string) {
  const types = elementTypes(graph);
  const order = new Map(steps.map(({ node }, at) => [node, at]));
  const readers = consumers(graph);
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const reach = (value: string) =>
    outputs.has(value)
      ? steps.length
      : Math.max(-1, ...(readers.get(value) ?? []).map((node) => order.get(node) ?? -1));
  const lastUse = new Map<string, number>();
  steps.forEach(({ parameters }, at) => {
    for (const name of parameters) lastUse.set(name, at);
  });

  const found: { value: string; at: number }[] = [];
  let furthest = reach(input);
  let shared = -1;
  steps.forEach(({ node, parameters }, at) => {
    for (const name of parameters) shared = Math.max(shared, lastUse.get(name) ?? -1);
    const live = node.outputs.filter((output) => reach(output) >= 0);
    const [value] = live;
    const alone = value !== undefined && live.length === 1 && furthest <= at;
    if (alone && shared <= at && types.get(value) === "float32") found.push({ value, at });
    for (const output of live) furthest = Math.max(furthest, reach(output));
  });
  return found;
}

/** Parameters and multiply-adds of the first 0, 1, 2 ... steps; a shared parameter counts once. */
function running(steps: readonly Step[], graph: Graph) {
  const counted = new Set<string>();
  const totals = [{ parameters: 0, flops: 0 }];
  let parameters = 0;
  let flops = 0;
  for (const step of steps) {
    for (const name of step.parameters) {
      if (counted.has(name)) continue;
      counted.add(name);
      parameters += elementCount(graph.initializers.get(name)?.dims ?? []);
    }
    flops += step.flops;
    totals.push({ parameters, flops });
  }
  return totals;
}

/** A name for every cut: the block of the last weighted node before it. */
function nameCuts(steps: readonly Step[], cuts: readonly number[]): string[] {
  const weighted = steps.flatMap(({ path }, at) => (path === undefined ? [] : [{ path, at }]));
  const before = (cut: number) => weighted.findLastIndex(({ at }) => at <= cut);
  const ends = new Set(cuts.map(before));
  const paths = weighted.map(({ path }) => path);
  const cutAfter = weighted.map((_, at) => ends.has(at));
  const names = blockNames(paths, cutAfter, CANDIDATES) ?? countedBlocks(steps, cuts, weighted);
  return cuts.map((cut) => (cut < 0 ? "input" : (names[before(cut)] ?? "stem")));
}

/**
 * `block 1`, `block 2` ... where the file has no names: a block ends at the first cut after a
 * junction of branches or, in a network with few junctions, after every weighted node.
 */
function countedBlocks(
  steps: readonly Step[],
  cuts: readonly number[],
  weighted: readonly { readonly at: number }[],
): string[] {
  const junctions = cuts.filter((at) => isJunction(steps[at]?.node));
  const ends = junctions.length >= 4 ? junctions : cuts;
  let block = 0;
  return weighted.map(({ at }, index) => {
    const previous = weighted[index - 1]?.at ?? -1;
    if (block === 0 || ends.some((end) => end >= previous && end < at)) block++;
    return `block ${block}`;
  });
}

function isJunction(node: Node | undefined): boolean {
  return node !== undefined && (node.op === "Add" || node.op === "Concat" || node.op === "Sum");
}
