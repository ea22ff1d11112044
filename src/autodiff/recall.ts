import { real, string } from "../onnx/attributes.ts";
import type { GraphBuilder } from "../onnx/build.ts";
import type { Node } from "../onnx/graph.ts";

/**
 * Writes the value of a forward node once more, for a backward pass to which computing it again
 * costs less than the memory to keep it: from what the node's own backward rule reads anyway, and
 * in nodes that rule writes too, which ONNX Runtime then computes once for both. Undefined for
 * any other node. (Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016, go further.)
 * @param recalled the name under which an input is to be read, if it is another than the input's
 */
export function writeAgain(
  build: GraphBuilder,
  node: Node,
  recalled: (value: string) => string,
): string | undefined {
  if (node.domain !== "") return undefined;
  if (node.op === "LayerNormalization") return normalizedAgain(build, node);
  if (node.op === "Gelu" && string(node, "approximate", "none") === "none") {
    const [x = ""] = node.inputs;
    return build.add("Mul", [x, cumulativeNormal(build, x).cumulative]);
  }
  if (node.op !== "Transpose") return undefined;
  const [x = ""] = node.inputs;
  const again = recalled(x);
  return again === x ? undefined : build.add("Transpose", [again], node.attributes);
}

function normalizedAgain(build: GraphBuilder, { inputs, outputs }: Node): string | undefined {
  const [x = "", scale = "", bias = ""] = inputs;
  const [, mean = "", inverse = ""] = outputs;
  if (mean === "" || inverse === "") return undefined;
  const scaled = build.add("Mul", [standardised(build, x, mean, inverse), scale]);
  return bias === "" ? scaled : build.add("Add", [scaled, bias]);
}

/** A layer normalization's input less its mean, over its deviation. */
export function standardised(
  build: GraphBuilder,
  x: string,
  mean: string,
  inverse: string,
): string {
  return build.add("Mul", [build.add("Sub", [x, mean]), inverse]);
}

/** Φ(x), the share of a standard normal distribution below x, and u = x / √2. */
export function cumulativeNormal(build: GraphBuilder, x: string) {
  const u = build.add("Mul", [x, build.scalar(Math.SQRT1_2)]);
  // HardSigmoid as a one-pass (1 + erf) / 2, which never leaves 0 to 1.
  const cumulative = build.add("HardSigmoid", [build.add("Erf", [u])], {
    alpha: real(0.5),
    beta: real(0.5),
  });
  return { u, cumulative };
}
