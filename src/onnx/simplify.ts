import { foldConstant } from "./fold-constant.ts";
import type { Graph, Model, Node } from "./graph.ts";
import { prune } from "./prune.ts";
import { mapBodies, renameReads, renameValues } from "./rename.ts";
import type { Tensor } from "./tensor.ts";
import { captures, producers, reads } from "./values.ts";

/**
 * The same network with less in it: Constant nodes and constant shape arithmetic become
 * initializers, Identity and idle Dropout disappear, what no output needs goes.
 *
 * Exporters merge initializers of equal content through Identity, which would tie their training
 * together; each such Identity becomes an initializer of its own.
 */
export function simplify(model: Model): Model {
  return { ...model, graph: simplifyGraph(model.graph) };
}

function simplifyGraph(graph: Graph): Graph {
  const constants = new Map<string, Tensor>(graph.initializers);
  const sources = new Map<string, string>();
  const exposed = new Set(graph.outputs.map((output) => output.name));
  const used = new Set(graph.nodes.flatMap(reads));
  const nodes: Node[] = [];
  for (const original of graph.nodes) {
    const node = renameReads(mapBodies(original, simplifyGraph), sources);
    const [output = ""] = node.outputs;
    const source = isPassThrough(node, constants, used, exposed) ? (node.inputs[0] ?? "") : "";
    const constant =
      source === "" ? foldConstant(node, (name) => constants.get(name)) : constants.get(source);
    if (exposed.has(output)) nodes.push(source === "" ? node : identity(node));
    else if (constant !== undefined) constants.set(output, constant);
    else if (source !== "") sources.set(output, source);
    else nodes.push(node);
  }
  return prune(nameAfterOutputs({ ...graph, nodes, initializers: constants }));
}

/** Whether the first output is the first input unchanged. */
function isPassThrough(
  node: Node,
  constants: ReadonlyMap<string, Tensor>,
  used: ReadonlySet<string>,
  exposed: ReadonlySet<string>,
): boolean {
  if (node.domain !== "") return false;
  if (node.op === "Identity") return true;
  if (node.op !== "Dropout") return false;
  const [, mask = ""] = node.outputs;
  const [, , training = ""] = node.inputs;
  const idle = training === "" || constants.get(training)?.data[0] === 0;
  return idle && !used.has(mask) && !exposed.has(mask);
}

function identity(node: Node): Node {
  return {
    ...node,
    op: "Identity",
    inputs: node.inputs.slice(0, 1),
    outputs: node.outputs.slice(0, 1),
    attributes: {},
  };
}

/** Lets the node before an Identity write the graph's output itself. */
function nameAfterOutputs(graph: Graph): Graph {
  const written = producers(graph);
  const exposed = new Set(graph.outputs.map((output) => output.name));
  const renamed = new Map<string, string>();
  const outside = captures(graph);
  const nodes = graph.nodes.filter((node) => {
    const [source = ""] = node.inputs;
    const [output = ""] = node.outputs;
    if (node.op !== "Identity" || !written.has(source) || outside.has(source)) return true;
    if (exposed.has(source) || renamed.has(source)) return true;
    renamed.set(source, output);
    return false;
  });
  return renamed.size === 0 ? graph : renameValues({ ...graph, nodes }, renamed);
}
