import { ThawError } from "../errors.ts";
import type { Node } from "../onnx/graph.ts";

/**
 * The error for an operator without a backward rule.
 * @param nodes the forward nodes in topological order, `index` the place of the one without a rule
 * @param roots values the nodes read that vary with the network's input
 * @param outputs values the network is asked for
 */
export function missingRule(
  nodes: readonly Node[],
  index: number,
  roots: Iterable<string>,
  outputs: Iterable<string>,
): ThawError {
  const node = nodes[index];
  const op = node?.op ?? "";
  const cut = nearestCut(nodes, index, roots, outputs);
  return new ThawError({
    code: "autodiff/missing-rule",
    what: `Thaw cannot train through the operator ${op}`,
    where: node?.name || node?.outputs[0] || op,
    next:
      cut === undefined
        ? "Use a network without this operator, or train the classifier only."
        : `Freeze everything up to ${cut} and train only the layers after it.`,
    details: { op, domain: node?.domain ?? "", node: node?.name ?? "", cut: cut ?? null },
  });
}

/** The first value after `index` that every path from the roots to the outputs crosses. */
function nearestCut(
  nodes: readonly Node[],
  index: number,
  roots: Iterable<string>,
  outputs: Iterable<string>,
): string | undefined {
  const wanted = new Set(outputs);
  const lastUse = new Map<string, number>();
  nodes.forEach((node, at) => {
    for (const input of node.inputs) lastUse.set(input, at);
  });
  const live = new Set(roots);
  const varying = new Set(live);
  for (const [at, node] of nodes.entries()) {
    if (node.inputs.some((input) => varying.has(input))) {
      for (const output of node.outputs) {
        varying.add(output);
        if (wanted.has(output) || lastUse.has(output)) live.add(output);
      }
    }
    for (const value of live) {
      if ((lastUse.get(value) ?? -1) <= at && !wanted.has(value)) live.delete(value);
    }
    const [only] = live;
    if (at >= index && live.size === 1 && only !== undefined && !wanted.has(only)) return only;
  }
  return undefined;
}
