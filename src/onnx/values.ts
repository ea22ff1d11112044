import type { Graph, Node } from "./graph.ts";

/** The bodies a control-flow node carries. */
export function bodies(node: Node): Graph[] {
  const found: Graph[] = [];
  for (const attribute of Object.values(node.attributes)) {
    if (attribute.kind === "graph") found.push(attribute.value);
  }
  return found;
}

/** Values a node needs: its inputs, and what its bodies take from the graph around them. */
export function reads(node: Node): string[] {
  const named = node.inputs.filter((input) => input !== "");
  const inside = bodies(node);
  return inside.length === 0 ? named : [...named, ...inside.flatMap((body) => [...captures(body)])];
}

/** Values a body takes from the graph around it. */
export function captures(graph: Graph): Set<string> {
  const own = new Set([
    ...graph.inputs.map((input) => input.name),
    ...graph.initializers.keys(),
    ...graph.nodes.flatMap((node) => node.outputs),
  ]);
  const wanted = [...graph.nodes.flatMap(reads), ...graph.outputs.map((output) => output.name)];
  return new Set(wanted.filter((name) => !own.has(name)));
}

/** The node that writes each value. */
export function producers(graph: Graph): Map<string, Node> {
  const map = new Map<string, Node>();
  for (const node of graph.nodes) {
    for (const output of node.outputs) if (output !== "") map.set(output, node);
  }
  return map;
}

/** The nodes that read each value, each once, in graph order; values nobody reads are absent. */
export function consumers(graph: Graph): Map<string, Node[]> {
  const map = new Map<string, Node[]>();
  for (const node of graph.nodes) {
    for (const value of new Set(reads(node))) {
      const list = map.get(value);
      if (list === undefined) map.set(value, [node]);
      else list.push(node);
    }
  }
  return map;
}

/** Every name a graph uses for a value, those inside bodies included. */
export function namesInUse(graph: Graph): Set<string> {
  const names = new Set<string>([
    ...graph.inputs.map((input) => input.name),
    ...graph.outputs.map((output) => output.name),
    ...graph.initializers.keys(),
  ]);
  for (const node of graph.nodes) {
    for (const name of [node.name, ...node.inputs, ...node.outputs]) names.add(name);
    for (const body of bodies(node)) for (const name of namesInUse(body)) names.add(name);
  }
  names.delete("");
  return names;
}
