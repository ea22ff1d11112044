import type { Attribute, Graph, Node } from "../../onnx/graph.ts";
import { consumers } from "../../onnx/values.ts";
import { NCHWC } from "./values.ts";

/**
 * Blocked convolutions that take in what follows them, where nothing else reads their result: the
 * kernels add another map and bound the sum while it is in registers, which saves a pass each.
 * @param additions outputs of the Adds of two blocked maps
 */
export function fuseConvolutions(graph: Graph, additions: ReadonlySet<string>): Graph {
  const readers = consumers(graph);
  const exposed = new Set(graph.outputs.map(({ name }) => name));
  const open = new Map<string, Node>();
  const absorbed = new Set<Node>();
  const nodes = graph.nodes.map((node) => {
    const conv = node.inputs.findLast((input) => open.has(input)) ?? "";
    const found = withFollower(open.get(conv), conv, node, graph, additions);
    const current = found ?? node;
    if (found !== undefined) absorbed.add(open.get(conv) ?? node);
    const [output = ""] = current.outputs;
    const alone = readers.get(output)?.length === 1 && !exposed.has(output);
    const blocked = current.op === "Conv" && current.domain === NCHWC.domain;
    if (blocked && alone && current.attributes.activation === undefined) open.set(output, current);
    return current;
  });
  return { ...graph, nodes: nodes.filter((node) => !absorbed.has(node)) };
}

function withFollower(
  conv: Node | undefined,
  value: string,
  follower: Node,
  graph: Graph,
  additions: ReadonlySet<string>,
): Node | undefined {
  if (conv === undefined || follower.domain !== "") return undefined;
  const { outputs } = follower;
  if (follower.op === "Add" && additions.has(outputs[0] ?? "") && conv.inputs.length < 4) {
    const [x = "", weight = "", bias = ""] = conv.inputs;
    const other = follower.inputs.find((input) => input !== value);
    return other === undefined ? undefined : { ...conv, inputs: [x, weight, bias, other], outputs };
  }
  const activation = activationOf(follower, graph);
  return activation && { ...conv, outputs, attributes: { ...conv.attributes, ...activation } };
}

function activationOf(node: Node, graph: Graph): Readonly<Record<string, Attribute>> | undefined {
  if (node.op === "Relu") return { activation: { kind: "string", value: "Relu" } };
  if (node.op !== "Clip") return undefined;
  const [low, high] = node.inputs.slice(1).map((name) => graph.initializers.get(name)?.data[0]);
  if (low === undefined || high === undefined) return undefined;
  return {
    activation: { kind: "string", value: "Clip" },
    activation_params: { kind: "floats", value: [Number(low), Number(high)] },
  };
}
