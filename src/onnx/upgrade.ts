import { GraphBuilder } from "./build.ts";
import { constantTensor } from "./constant.ts";
import type { Graph, Model } from "./graph.ts";
import { type Known, outputRank } from "./rank.ts";
import { mapBodies } from "./rename.ts";
import { upgrades } from "./upgrade-operators.ts";
import { namesInUse } from "./values.ts";

/** The operator set all of Thaw works in; newer models keep their own, whose forms are the same. */
export const WORKING_OPSET = 21;
/** The file version that operator set 21 came with. */
const WORKING_IR = 10;

/**
 * The same network with every operator in the form of operator set 21, and every Constant node
 * turned into an initializer, so that each operator has one form to deal with.
 * @throws ThawError `onnx/unsupported-upgrade` for the few forms that have no newer counterpart
 */
export function upgradeModel(model: Model): Model {
  const opset = model.opsets.get("") ?? WORKING_OPSET;
  return {
    ...model,
    graph: upgradeGraph(model.graph, opset, () => undefined),
    opsets: new Map(model.opsets).set("", Math.max(opset, WORKING_OPSET)),
    irVersion: Math.max(model.irVersion, WORKING_IR),
  };
}

function upgradeGraph(graph: Graph, opset: number, around: Known["constant"]): Graph {
  const build = new GraphBuilder(namesInUse(graph));
  const constants = new Map(graph.initializers);
  const initializers = new Map(graph.initializers);
  const ranks = new Map<string, number>();
  for (const { name, shape } of [...graph.inputs, ...graph.values.values()]) {
    if (shape !== null) ranks.set(name, shape.length);
  }
  const exposed = new Set(graph.outputs.map((output) => output.name));
  const known = {
    constant: (value: string) => constants.get(value) ?? around(value),
    rank: (value: string) => ranks.get(value) ?? constants.get(value)?.dims.length,
  };

  for (const original of graph.nodes) {
    const node = mapBodies(original, (body) => upgradeGraph(body, opset, known.constant));
    const [output = ""] = node.outputs;
    const constant = constantTensor(node);
    if (constant !== undefined) constants.set(output, constant);
    if (constant !== undefined && !exposed.has(output)) {
      initializers.set(output, constant);
      continue;
    }
    const rank = outputRank(node, known);
    if (rank !== undefined) ranks.set(output, rank);
    const upgrade = node.domain === "" ? upgrades.get(node.op) : undefined;
    if (upgrade === undefined || opset >= upgrade.since) build.copy(node);
    else upgrade.rewrite(node, { ...known, build });
  }
  return {
    ...graph,
    nodes: build.nodes,
    initializers: new Map([...initializers, ...build.initializers]),
  };
}
