import { constantTensor } from "../onnx/constant.ts";
import type { Graph, Node } from "../onnx/graph.ts";
import { producers } from "../onnx/values.ts";

/** Questions about a graph with which a formula that is spelled out in nodes is recognised. */
export interface Patterns {
  /** The node that writes a value, if it is an `op` of ONNX itself. */
  writer(value: string | undefined, op: string): Node | undefined;
  /** The number behind a constant of one element, or NaN. */
  number(value: string | undefined): number;
}

export function patternsOf(graph: Graph): Patterns {
  const written = producers(graph);
  return {
    writer(value = "", op) {
      const node = written.get(value);
      return node?.op === op && node.domain === "" ? node : undefined;
    },
    number(value = "") {
      const node = written.get(value);
      const tensor = graph.initializers.get(value) ?? (node && constantTensor(node));
      return tensor?.data.length === 1 ? Number(tensor.data[0]) : Number.NaN;
    },
  };
}
