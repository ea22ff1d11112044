import type { Rule } from "../rule.ts";
import * as activation from "./activation.ts";
import * as arithmetic from "./arithmetic.ts";
import * as convolution from "./convolution.ts";
import * as gather from "./gather.ts";
import * as layout from "./layout.ts";
import * as matrix from "./matrix.ts";
import * as normalization from "./normalization.ts";
import * as passive from "./passive.ts";
import * as pooling from "./pooling.ts";
import * as reduction from "./reduction.ts";
import * as resize from "./resize.ts";
import * as selection from "./selection.ts";

/** The operators image networks are made of; the compiler objects when one has no rule. */
type ImageOperator =
  | "Abs"
  | "Add"
  | "AveragePool"
  | "BatchNormalization"
  | "Cast"
  | "Clip"
  | "Concat"
  | "Constant"
  | "ConstantOfShape"
  | "Conv"
  | "ConvTranspose"
  | "Div"
  | "Dropout"
  | "Einsum"
  | "Elu"
  | "Erf"
  | "Exp"
  | "Expand"
  | "Flatten"
  | "Gather"
  | "Gelu"
  | "Gemm"
  | "GlobalAveragePool"
  | "GroupNormalization"
  | "HardSigmoid"
  | "HardSwish"
  | "Identity"
  | "InstanceNormalization"
  | "LayerNormalization"
  | "LeakyRelu"
  | "Log"
  | "LogSoftmax"
  | "MatMul"
  | "Max"
  | "MaxPool"
  | "Min"
  | "Mish"
  | "Mul"
  | "Neg"
  | "PRelu"
  | "Pad"
  | "Pow"
  | "Range"
  | "Reciprocal"
  | "ReduceMax"
  | "ReduceMean"
  | "ReduceSum"
  | "Relu"
  | "Reshape"
  | "Resize"
  | "Shape"
  | "Sigmoid"
  | "Slice"
  | "Softmax"
  | "Softplus"
  | "Split"
  | "Sqrt"
  | "Squeeze"
  | "Sub"
  | "Tanh"
  | "Transpose"
  | "Unsqueeze"
  | "Where";

/**
 * The backward rule of every operator, by the operator's ONNX name. A family's file exports its
 * rules and nothing else, so that the export's name is the operator's.
 */
const table = {
  ...activation,
  ...arithmetic,
  ...convolution,
  ...gather,
  ...layout,
  ...matrix,
  ...normalization,
  ...passive,
  ...pooling,
  ...reduction,
  ...resize,
  ...selection,
} satisfies Readonly<Record<ImageOperator, Rule> & Record<string, Rule>>;

export const rules: ReadonlyMap<string, Rule> = new Map<string, Rule>(Object.entries(table));
