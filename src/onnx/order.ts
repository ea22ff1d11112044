import type { Node } from "./graph.ts";
import { refuse } from "./refuse.ts";
import { reads } from "./values.ts";

/**
 * The nodes so that each follows those it reads from; the given order is kept where it can be.
 * Values that no node writes count as given. Kahn's algorithm.
 * @throws ThawError `onnx/cyclic`
 */
export function topologicalOrder(nodes: readonly Node[]): readonly Node[] {
  const writer = new Map<string, number>();
  nodes.forEach((node, index) => {
    for (const output of node.outputs) if (output !== "") writer.set(output, index);
  });
  const readers: number[][] = nodes.map(() => []);
  const missing = nodes.map((node, index) => {
    const sources = new Set<number>();
    for (const value of reads(node)) {
      const source = writer.get(value);
      if (source !== undefined) sources.add(source);
    }
    for (const source of sources) readers[source]?.push(index);
    return sources.size;
  });

  const sorted: Node[] = [];
  const ready = nodes.map((_, index) => index).filter((index) => missing[index] === 0);
  for (let next = 0; next < ready.length; next++) {
    const index = ready[next] ?? 0;
    const node = nodes[index];
    if (node !== undefined) sorted.push(node);
    for (const reader of readers[index] ?? []) {
      const left = (missing[reader] ?? 0) - 1;
      missing[reader] = left;
      if (left === 0) ready.push(reader);
    }
  }
  if (sorted.length < nodes.length) {
    const stuck = nodes.find((_, index) => (missing[index] ?? 0) > 0);
    refuse("cyclic", "The network's nodes feed themselves in a circle", {
      where: stuck === undefined ? "" : `${stuck.op} ${stuck.name}`,
    });
  }
  return isOrdered(nodes, writer) ? nodes : sorted;
}

function isOrdered(nodes: readonly Node[], writer: ReadonlyMap<string, number>): boolean {
  return nodes.every((node, index) =>
    reads(node).every((value) => (writer.get(value) ?? -1) < index),
  );
}
