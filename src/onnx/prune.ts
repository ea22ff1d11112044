import type { Graph } from "./graph.ts";
import { producers, reads } from "./values.ts";

/**
 * The graph without nodes, initializers and declarations that none of its outputs needs.
 * Inputs stay. The graph must be in topological order.
 */
export function prune(graph: Graph): Graph {
  const needed = new Set(graph.outputs.map((output) => output.name));
  const nodes = graph.nodes
    .toReversed()
    .filter((node) => {
      const live = node.outputs.some((output) => needed.has(output));
      if (live) for (const value of reads(node)) needed.add(value);
      return live;
    })
    .toReversed();
  const written = producers({ ...graph, nodes });
  return {
    ...graph,
    nodes,
    initializers: new Map([...graph.initializers].filter(([name]) => needed.has(name))),
    values: new Map([...graph.values].filter(([name]) => written.has(name))),
  };
}
