import { int, real } from "../onnx/attributes.ts";
import { attribute } from "../onnx/build.ts";
import type { Graph, Node } from "../onnx/graph.ts";
import { patternsOf } from "./patterns.ts";

/**
 * Writes (x - mean) / sqrt(variance + epsilon) * scale + bias over the last axis, as exporters
 * before opset 17 spell layer normalization out, as one node: its backward pass needs x and two
 * numbers a row, where the parts keep two maps more.
 */
export function wholeLayerNorm(graph: Graph): Graph {
  const { writer, number } = patternsOf(graph);
  /** What a value is the mean of along the last axis. */
  const meanOf = (value: string | undefined) => {
    const node = writer(value, "ReduceMean");
    const [x, axes] = node?.inputs ?? [];
    return node !== undefined && int(node, "keepdims", 1) === 1 && number(axes) === -1
      ? x
      : undefined;
  };
  /** x of a value x - mean(x). */
  const centred = (value: string | undefined) => {
    const [x, mean] = writer(value, "Sub")?.inputs ?? [];
    return x !== undefined && meanOf(mean) === x ? x : undefined;
  };
  /** What a value is the square of. */
  const rootOf = (value: string | undefined) => {
    const [base, power] = writer(value, "Pow")?.inputs ?? [];
    if (number(power) === 2) return base;
    const [a, b] = writer(value, "Mul")?.inputs ?? [];
    return a === b ? a : undefined;
  };
  const inEitherOrder = <T>(
    [a, b]: readonly string[],
    match: (first: string | undefined, second: string | undefined) => T | undefined,
  ) => match(a, b) ?? match(b, a);
  const isVector = (value: string | undefined) =>
    graph.initializers.get(value ?? "")?.dims.length === 1;

  /** x and epsilon of a value that is normalized. */
  const normalized = (value: string | undefined) => {
    const [difference, deviation] = writer(value, "Div")?.inputs ?? [];
    const x = centred(difference);
    const [shifted] = writer(deviation, "Sqrt")?.inputs ?? [];
    return inEitherOrder(writer(shifted, "Add")?.inputs ?? [], (variance, epsilon) => {
      const found = x !== undefined && rootOf(meanOf(variance)) === difference;
      return found && number(epsilon) > 0 ? { x, epsilon: number(epsilon) } : undefined;
    });
  };
  const nodes = graph.nodes.map((node): Node => {
    if (node.op !== "Add" || node.domain !== "") return node;
    const found = inEitherOrder(node.inputs, (scaled, bias) =>
      inEitherOrder(writer(scaled, "Mul")?.inputs ?? [], (value, scale) => {
        const parts = isVector(bias) && isVector(scale) ? normalized(value) : undefined;
        if (parts === undefined || bias === undefined || scale === undefined) return undefined;
        return { inputs: [parts.x, scale, bias], epsilon: parts.epsilon };
      }),
    );
    if (found === undefined) return node;
    const attributes = { axis: attribute(-1), epsilon: attribute(real(found.epsilon)) };
    return { ...node, op: "LayerNormalization", inputs: found.inputs, attributes };
  });
  return { ...graph, nodes };
}
