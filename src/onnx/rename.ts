import type { Attribute, Graph, Node } from "./graph.ts";
import { captures } from "./values.ts";

/** Gives values new names wherever they are written, read, declared or captured by a body. */
export function renameValues(graph: Graph, names: ReadonlyMap<string, string>): Graph {
  const to = (name: string) => names.get(name) ?? name;
  const info = <T extends { readonly name: string }>(value: T): T => ({
    ...value,
    name: to(value.name),
  });
  return {
    ...graph,
    nodes: graph.nodes.map((node) => ({
      ...renameReads(node, names),
      outputs: node.outputs.map(to),
    })),
    inputs: graph.inputs.map(info),
    outputs: graph.outputs.map(info),
    initializers: new Map([...graph.initializers].map(([name, tensor]) => [to(name), tensor])),
    values: new Map([...graph.values].map(([name, value]) => [to(name), info(value)])),
  };
}

/** Makes a node read other values, inside its bodies too; what it writes keeps its name. */
export function renameReads(node: Node, names: ReadonlyMap<string, string>): Node {
  if (names.size === 0) return node;
  const renamed = {
    ...node,
    inputs: node.inputs.map((input) => names.get(input) ?? input),
  };
  return mapBodies(renamed, (body) => renameCaptures(body, names));
}

function renameCaptures(body: Graph, names: ReadonlyMap<string, string>): Graph {
  const renamed = new Map<string, string>();
  for (const captured of captures(body)) {
    const name = names.get(captured);
    if (name !== undefined) renamed.set(captured, name);
  }
  return renamed.size === 0 ? body : renameValues(body, renamed);
}

/** The node with each of its bodies replaced. */
export function mapBodies(node: Node, map: (body: Graph) => Graph): Node {
  const entries = Object.entries(node.attributes);
  if (!entries.some(([, attribute]) => attribute.kind === "graph")) return node;
  const mapped = entries.map(([name, attribute]): [string, Attribute] => [
    name,
    attribute.kind === "graph" ? { kind: "graph", value: map(attribute.value) } : attribute,
  ]);
  return { ...node, attributes: Object.fromEntries(mapped) };
}
