import * as attribute from "./attributes.ts";
import type { Node } from "./graph.ts";
import type { Tensor } from "./tensor.ts";

/** What is known about a node's inputs. */
export interface Known {
  rank(value: string): number | undefined;
  constant(value: string): Tensor | undefined;
}

/** Operators whose output has the rank of their first input. */
const sameRank: ReadonlySet<string> = new Set(
  `Abs AveragePool BatchNormalization Cast Ceil Clip Concat ConvTranspose CumSum DepthToSpace
  DequantizeLinear Dropout Elu Erf Exp Floor GlobalAveragePool GlobalMaxPool HardSigmoid HardSwish
  Hardmax Identity InstanceNormalization LRN LayerNormalization LeakyRelu Log LogSoftmax
  LpNormalization MaxPool Mish Neg PRelu Pad QuantizeLinear Reciprocal Relu Resize Round Selu Sigmoid
  Slice Softmax Softplus Softsign SpaceToDepth Split Sqrt Tanh ThresholdedRelu`.split(/\s+/),
);

/** Operators that broadcast their inputs against each other. */
const broadcasting: ReadonlySet<string> = new Set(
  "Add Sub Mul Div Pow Max Min Mean Sum Where Equal Greater Less And Or".split(" "),
);

/** Rank of a node's first output, as far as its inputs tell. */
export function outputRank(node: Node, { rank, constant }: Known): number | undefined {
  const [first = "", second = ""] = node.inputs;
  if (node.domain !== "") return undefined;
  if (sameRank.has(node.op)) return rank(first);
  if (broadcasting.has(node.op)) return highest(node.inputs.map(rank));
  switch (node.op) {
    case "Flatten":
    case "Gemm":
      return 2;
    case "Conv":
      return rank(second) ?? rank(first);
    case "MatMul": {
      const [left, right] = [rank(first), rank(second)];
      if (left === undefined || right === undefined || left < 2 || right < 2) return undefined;
      return Math.max(left, right);
    }
    case "Reshape":
      return constant(second)?.data.length;
    case "Transpose":
      return attribute.ints(node, "perm", undefined)?.length ?? rank(first);
    case "Shape":
      return 1;
  }
  if (node.op.startsWith("Reduce") && attribute.int(node, "keepdims", 1) === 1) return rank(first);
  return undefined;
}

function highest(ranks: readonly (number | undefined)[]): number | undefined {
  const known = ranks.filter((rank) => rank !== undefined);
  return known.length === ranks.length ? Math.max(...known) : undefined;
}
