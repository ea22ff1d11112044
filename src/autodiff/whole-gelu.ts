import { constantTensor } from "../onnx/constant.ts";
import type { Graph, Node } from "../onnx/graph.ts";
import { consumers, producers } from "../onnx/values.ts";

/**
 * Writes x * (1 + erf(x / sqrt(2))) * 0.5, as exporters before opset 20 spell GELU out, as one
 * Gelu: its backward pass needs x alone, where the parts keep five maps of that size.
 */
export function wholeGelu(graph: Graph): Graph {
  const written = producers(graph);
  const readers = consumers(graph);
  const exposed = new Set(graph.outputs.map(({ name }) => name));
  const alone = (value: string) => readers.get(value)?.length === 1 && !exposed.has(value);
  const is = (value: string | undefined, wanted: number) => {
    const node = written.get(value ?? "");
    const tensor = graph.initializers.get(value ?? "") ?? (node && constantTensor(node));
    const number = tensor?.data.length === 1 ? Number(tensor.data[0]) : Number.NaN;
    return Math.abs(number - wanted) < 1e-5;
  };
  /** The operand beside a constant, where the node has one of that value. */
  const beside = (node: Node | undefined, op: string, wanted: number) => {
    if (node?.op !== op || node.domain !== "") return undefined;
    const [a = "", b = ""] = node.inputs;
    return is(b, wanted) ? a : op !== "Div" && is(a, wanted) ? b : undefined;
  };
  /** x of a value 1 + erf(x / sqrt(2)) nothing else reads. */
  const cumulative = (value: string) => {
    const erf = alone(value) ? beside(written.get(value), "Add", 1) : undefined;
    if (erf === undefined || !alone(erf)) return undefined;
    const inner = written.get(erf);
    const [scaled = ""] = inner?.inputs ?? [];
    if (inner?.op !== "Erf" || !alone(scaled)) return undefined;
    const node = written.get(scaled);
    return beside(node, "Div", Math.SQRT2) ?? beside(node, "Mul", Math.SQRT1_2);
  };
  const nodes = graph.nodes.map((node): Node => {
    const product = beside(node, "Mul", 0.5);
    const factors = written.get(product ?? "");
    if (product === undefined || factors?.op !== "Mul" || !alone(product)) return node;
    const [a = "", b = ""] = factors.inputs;
    const x = cumulative(b) === a ? a : cumulative(a) === b ? b : undefined;
    return x === undefined ? node : { ...node, op: "Gelu", inputs: [x], attributes: {} };
  });
  return { ...graph, nodes };
}
