import type { Graph, Node } from "../onnx/graph.ts";
import { consumers } from "../onnx/values.ts";
import { patternsOf } from "./patterns.ts";

/**
 * Writes x * (1 + erf(x / sqrt(2))) * 0.5, as exporters before opset 20 spell GELU out, as one
 * Gelu: its backward pass needs x alone, where the parts keep five maps of that size.
 */
export function wholeGelu(graph: Graph): Graph {
  const { writer, number } = patternsOf(graph);
  const readers = consumers(graph);
  const exposed = new Set(graph.outputs.map(({ name }) => name));
  const alone = (value: string) => readers.get(value)?.length === 1 && !exposed.has(value);
  const is = (value: string | undefined, wanted: number) => Math.abs(number(value) - wanted) < 1e-5;
  /** The operand beside a constant, where the node has one of that value. */
  const beside = (node: Node | undefined, wanted: number) => {
    if (node === undefined) return undefined;
    const [a = "", b = ""] = node.inputs;
    return is(b, wanted) ? a : node.op !== "Div" && is(a, wanted) ? b : undefined;
  };
  /** x of a value 1 + erf(x / sqrt(2)) nothing else reads. */
  const cumulative = (value: string) => {
    const erf = alone(value) ? beside(writer(value, "Add"), 1) : undefined;
    if (erf === undefined || !alone(erf)) return undefined;
    const [scaled = ""] = writer(erf, "Erf")?.inputs ?? [];
    if (!alone(scaled)) return undefined;
    return beside(writer(scaled, "Div"), Math.SQRT2) ?? beside(writer(scaled, "Mul"), Math.SQRT1_2);
  };
  const nodes = graph.nodes.map((node): Node => {
    const product = node.op === "Mul" && node.domain === "" ? beside(node, 0.5) : undefined;
    const factors = writer(product, "Mul");
    if (product === undefined || factors === undefined || !alone(product)) return node;
    const [a = "", b = ""] = factors.inputs;
    const x = cumulative(b) === a ? a : cumulative(a) === b ? b : undefined;
    return x === undefined ? node : { ...node, op: "Gelu", inputs: [x], attributes: {} };
  });
  return { ...graph, nodes };
}
