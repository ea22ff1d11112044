import { int, ints } from "../../onnx/attributes.ts";
import type { Node } from "../../onnx/graph.ts";
import { elementCount, type Tensor } from "../../onnx/tensor.ts";

type Dims = readonly number[];

interface Known {
  dims(value: string): Dims | undefined;
  constant(value: string): Tensor | undefined;
}

/**
 * Dimensions of a node's first output, for the operators training graphs are made of; undefined
 * where they are not known, which only means that the value stays in plain layout.
 */
export function outputDims(node: Node, known: Known): Dims | undefined {
  const inputs = node.inputs.map((input) => known.dims(input));
  const [first, second] = inputs;
  if (sameAsInput.has(node.op)) return first;
  if (broadcasting.has(node.op)) return inputs.reduce(together);
  const numbers = (value: string | undefined) => numbersOf(known.constant(value ?? ""));
  if (node.op === "Reshape") {
    const shape = numbers(node.inputs[1]);
    return shape && reshaped(first, shape);
  }
  if (first === undefined) return undefined;
  switch (node.op) {
    case "Transpose": {
      const reversed = first.map((_, axis) => first.length - 1 - axis);
      return ints(node, "perm", reversed).map((axis) => first[axis] ?? 1);
    }
    case "Expand": {
      const shape = numbers(node.inputs[1]);
      return shape && together(first, shape);
    }
    case "Conv":
      return second && convolved(node, first, second);
    case "ConvTranspose":
      return second && transposed(node, first, second);
    case "ReduceSum":
    case "ReduceMean":
    case "ReduceSumSquare": {
      const axes = numbers(node.inputs[1])?.map((axis) => (axis < 0 ? axis + first.length : axis));
      if (axes === undefined) return undefined;
      if (int(node, "keepdims", 1) === 0) return first.filter((_, axis) => !axes.includes(axis));
      return first.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
    }
    case "GlobalAveragePool":
      return first.map((dim, axis) => (axis < 2 ? dim : 1));
    case "Slice": {
      const [starts, ends, axes, steps] = node.inputs.slice(1).map(numbers);
      return starts && ends && axes && sliced(first, starts, ends, axes, steps);
    }
    case "Gemm": {
      const [row, column] = [int(node, "transA", 0), 1 - int(node, "transB", 0)];
      return second && [first[row] ?? 1, second[column] ?? 1];
    }
    case "MatMul":
      return first.length === 2 && second?.length === 2
        ? [first[0] ?? 1, second[1] ?? 1]
        : undefined;
    default:
      return undefined;
  }
}

const sameAsInput: ReadonlySet<string> = new Set([
  ...[
    "Relu",
    "LeakyRelu",
    "Elu",
    "Clip",
    "HardSigmoid",
    "HardSwish",
    "Sigmoid",
    "Tanh",
    "Softplus",
  ],
  ...["Mish", "Gelu", "Erf", "Exp", "Log", "Sqrt", "Neg", "Abs", "Reciprocal", "Identity", "Sign"],
  ...["BatchNormalization", "ScatterElements", "Softmax", "LogSoftmax"],
]);

const broadcasting: ReadonlySet<string> = new Set([
  "Add",
  "Sub",
  "Mul",
  "Div",
  "Sum",
  "Max",
  "Min",
]);

function numbersOf(tensor: Tensor | undefined): number[] | undefined {
  return tensor?.type === "int64" ? [...tensor.data].map(Number) : undefined;
}

function together(a: Dims | undefined, b: Dims | undefined): Dims | undefined {
  if (a === undefined || b === undefined) return undefined;
  const rank = Math.max(a.length, b.length);
  const at = (dims: Dims, axis: number) => dims[axis - rank + dims.length] ?? 1;
  return Array.from({ length: rank }, (_, axis) => Math.max(at(a, axis), at(b, axis)));
}

function reshaped(from: Dims | undefined, shape: Dims): Dims | undefined {
  if (shape.every((dim) => dim > 0)) return shape;
  if (from === undefined || shape.includes(0)) return undefined;
  const rest = shape.reduce((product, dim) => (dim === -1 ? product : product * dim), 1);
  return shape.map((dim) => (dim === -1 ? elementCount(from) / rest : dim));
}

function convolved(node: Node, x: Dims, w: Dims): Dims | undefined {
  if (node.attributes.auto_pad !== undefined) return undefined;
  const spatial = windows(node, w).map(({ stride, span, padding }, axis) => {
    const room = (x[axis + 2] ?? 1) + padding;
    return Math.floor((room - span) / stride) + 1;
  });
  return [x[0] ?? 1, w[0] ?? 1, ...spatial];
}

function transposed(node: Node, x: Dims, w: Dims): Dims | undefined {
  if (node.attributes.auto_pad !== undefined || node.attributes.output_shape !== undefined) {
    return undefined;
  }
  const none = w.slice(2).map(() => 0);
  const added = ints(node, "output_padding", none);
  const spatial = windows(node, w).map(({ stride, span, padding }, axis) => {
    const steps = ((x[axis + 2] ?? 1) - 1) * stride;
    return steps + span + (added[axis] ?? 0) - padding;
  });
  return [x[0] ?? 1, (w[1] ?? 1) * int(node, "group", 1), ...spatial];
}

/** A convolution's window along each spatial axis; `padding` is that of both ends together. */
function windows(node: Node, w: Dims): { stride: number; span: number; padding: number }[] {
  const sizes = w.slice(2);
  const ones = sizes.map(() => 1);
  const none = sizes.map(() => 0);
  const [strides, dilations] = [ints(node, "strides", ones), ints(node, "dilations", ones)];
  const pads = ints(node, "pads", [...none, ...none]);
  return sizes.map((size, axis) => ({
    stride: strides[axis] ?? 1,
    span: (size - 1) * (dilations[axis] ?? 1) + 1,
    padding: (pads[axis] ?? 0) + (pads[axis + sizes.length] ?? 0),
  }));
}

function sliced(from: Dims, starts: Dims, ends: Dims, axes: Dims, steps: Dims = []): Dims {
  const dims = [...from];
  axes.forEach((given, at) => {
    const axis = given < 0 ? given + from.length : given;
    const size = from[axis] ?? 1;
    const step = steps[at] ?? 1;
    const [low, high] = step > 0 ? [0, size] : [-1, size - 1];
    const clamp = (value = 0) => Math.min(Math.max(value < 0 ? value + size : value, low), high);
    const length = Math.ceil((clamp(ends[at]) - clamp(starts[at])) / step);
    dims[axis] = Math.max(0, length);
  });
  return dims;
}
