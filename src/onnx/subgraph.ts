import { elementTypes } from "./element-types.ts";
import type { Dimension, Model, ValueInfo } from "./graph.ts";
import { prune } from "./prune.ts";
import { refuse } from "./refuse.ts";
import { producers, reads } from "./values.ts";

/** Where to cut a network: values to start from, with their shapes, and values to end at. */
export interface CutOut {
  /** Shape of each value the part starts from; the network's own inputs where absent. */
  readonly inputs?: Readonly<Record<string, readonly Dimension[] | null>>;
  readonly outputs: readonly string[];
}

/**
 * The part of a network between some of its values. An initializer may be named as an input,
 * which frees it from its stored content.
 * @throws ThawError `onnx/no-such-value`, `onnx/open-cut` where the outputs also need an input
 * that is not among `inputs`
 */
export function subgraph(model: Model, { inputs, outputs }: CutOut): Model {
  const { graph } = model;
  const types = elementTypes(graph);
  const declared = new Map([...graph.inputs, ...graph.outputs].map((info) => [info.name, info]));
  const describe = (name: string): ValueInfo => {
    const type = types.get(name);
    if (type === undefined) {
      return refuse("no-such-value", "The network has no such value", {
        where: name,
        next: "Name a value of this network; `thaw inspect --depth` lists its cuts.",
      });
    }
    return { name, type, shape: (declared.get(name) ?? graph.values.get(name))?.shape ?? null };
  };
  const starts =
    inputs === undefined
      ? graph.inputs
      : Object.entries(inputs).map(([name, shape]) => ({ ...describe(name), shape }));
  const given = new Set(starts.map(({ name }) => name));

  const part = prune({
    ...graph,
    // A node that only writes what is given has nothing left to do.
    nodes: graph.nodes
      .map((node) =>
        node.outputs.some((output) => given.has(output))
          ? { ...node, outputs: node.outputs.map((output) => (given.has(output) ? "" : output)) }
          : node,
      )
      .filter((node) => node.outputs.some((output) => output !== "")),
    inputs: starts,
    outputs: outputs.map(describe),
    initializers: new Map([...graph.initializers].filter(([name]) => !given.has(name))),
  });
  const written = producers(part);
  for (const name of [...part.nodes.flatMap(reads), ...outputs]) {
    if (!written.has(name) && !given.has(name) && !part.initializers.has(name)) {
      refuse("open-cut", "This part of the network also needs an input outside of the cut", {
        where: name,
        next: "Cut at a value that every path from input to output crosses.",
      });
    }
  }
  return { ...model, graph: part };
}
