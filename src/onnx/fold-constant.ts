import * as attribute from "./attributes.ts";
import { constantTensor } from "./constant.ts";
import { fromProtoType } from "./data-type.ts";
import type { Node } from "./graph.ts";
import { elementCount, int64, type Tensor } from "./tensor.ts";

/** Shapes, axes and indices are short; anything longer is a weight and stays a node's business. */
const MAX_ELEMENTS = 64;

type Evaluate = (node: Node, inputs: readonly Tensor[]) => Tensor | undefined;

/**
 * What a node of shape arithmetic puts out, if it has one output and everything it reads is
 * constant and short; undefined for all other nodes.
 */
export function foldConstant(
  node: Node,
  constant: (value: string) => Tensor | undefined,
): Tensor | undefined {
  if (node.domain !== "" || node.outputs.length !== 1) return undefined;
  if (node.op === "Constant") return constantTensor(node);
  const evaluate = Object.hasOwn(evaluators, node.op) ? evaluators[node.op] : undefined;
  if (evaluate === undefined) return undefined;
  const inputs: Tensor[] = [];
  let elements = 0;
  for (const name of node.inputs) {
    const tensor = constant(name);
    if (tensor === undefined) return undefined;
    if (node.op !== "Shape" && node.op !== "Size") elements += tensor.data.length;
    if (elements > MAX_ELEMENTS) return undefined;
    inputs.push(tensor);
  }
  return evaluate(node, inputs);
}

const evaluators: Readonly<Record<string, Evaluate>> = {
  Shape: (node, [data]) => {
    const start = attribute.int(node, "start", 0);
    return data && int64(data.dims.slice(start, attribute.int(node, "end", undefined)));
  },
  Size: (_, [data]) => data && { ...int64([elementCount(data.dims)]), dims: [] },
  Gather: (node, [data, indices]) => {
    if (data?.dims.length !== 1 || indices === undefined) return undefined;
    if (attribute.int(node, "axis", 0) !== 0 && attribute.int(node, "axis", 0) !== -1)
      return undefined;
    const positions = integers(indices)?.map((at) => (at < 0 ? at + data.data.length : at));
    return positions && pick(data, positions, indices.dims);
  },
  Slice: (_, [data, starts, ends, axes, steps]) => {
    if (data?.dims.length !== 1 || starts?.data.length !== 1 || ends?.data.length !== 1) {
      return undefined;
    }
    if (axes !== undefined && integers(axes)?.some((axis) => axis !== 0 && axis !== -1)) {
      return undefined;
    }
    if (steps !== undefined && integers(steps)?.[0] !== 1) return undefined;
    const length = data.data.length;
    const [start, end] = [integers(starts)?.[0] ?? 0, integers(ends)?.[0] ?? 0];
    const positions = Array.from({ length }, (_, index) => index).slice(start, end);
    return pick(data, positions, [positions.length]);
  },
  Concat: (_, inputs) => {
    const [first] = inputs;
    if (first === undefined) return undefined;
    if (inputs.some(({ type, dims }) => type !== first.type || dims.length !== 1)) return undefined;
    const values = inputs.flatMap((tensor) => [...tensor.data]);
    return make(first.type, [values.length], values);
  },
  Squeeze: (node, [data, axes]) => {
    if (data === undefined) return undefined;
    const drop = normalized(axesOf(node, axes), data.dims.length);
    const dims = data.dims.filter((dim, axis) => (drop ? !drop.includes(axis) : dim !== 1));
    return elementCount(dims) === data.data.length ? reshaped(data, dims) : undefined;
  },
  Unsqueeze: (node, [data, axes]) => {
    const inserted = axesOf(node, axes);
    if (data === undefined || inserted === undefined) return undefined;
    const rank = data.dims.length + inserted.length;
    const at = normalized(inserted, rank) ?? [];
    const rest = [...data.dims];
    const dims = Array.from({ length: rank }, (_, axis) =>
      at.includes(axis) ? 1 : (rest.shift() ?? 1),
    );
    return elementCount(dims) === data.data.length ? reshaped(data, dims) : undefined;
  },
  Reshape: (node, [data, shape]) => {
    if (data === undefined || shape === undefined || attribute.int(node, "allowzero", 0) !== 0) {
      return undefined;
    }
    const wanted = integers(shape)?.map((dim, axis) => (dim === 0 ? (data.dims[axis] ?? 0) : dim));
    if (wanted === undefined) return undefined;
    const known = elementCount(wanted.filter((dim) => dim !== -1));
    const dims = wanted.map((dim) => (dim === -1 ? data.data.length / known : dim));
    const whole = dims.every((dim) => Number.isInteger(dim) && dim >= 0);
    const fits = whole && elementCount(dims) === data.data.length;
    return fits ? reshaped(data, dims) : undefined;
  },
  Cast: (node, [data]) => {
    const to = fromProtoType(attribute.int(node, "to", 0));
    const values = data && integers(data);
    if (values === undefined || (to !== "int64" && to !== "int32" && to !== "float32")) {
      return undefined;
    }
    return data && make(to, data.dims, values);
  },
  ConstantOfShape: (node, [shape]) => {
    const dims = shape && integers(shape);
    if (dims === undefined || dims.some((dim) => dim < 0)) return undefined;
    if (elementCount(dims) > MAX_ELEMENTS) return undefined;
    const fill = attribute.tensor(node, "value");
    const value = fill === undefined ? 0 : fill.data[0];
    if (value === undefined) return undefined;
    return make(fill?.type ?? "float32", dims, Array(elementCount(dims)).fill(value));
  },
  Range: (_, [start, limit, step]) => {
    const bounds = [start, limit, step].map((tensor) => tensor && integers(tensor)?.[0]);
    const [from, to, by] = bounds;
    if (from === undefined || to === undefined || by === undefined || by === 0) return undefined;
    const length = Math.max(0, Math.ceil((to - from) / by));
    if (start?.type !== "int64" || length > MAX_ELEMENTS) return undefined;
    return int64(Array.from({ length }, (_, index) => from + index * by));
  },
  Add: elementwise((a, b) => a + b),
  Sub: elementwise((a, b) => a - b),
  Mul: elementwise((a, b) => a * b),
  Div: elementwise((a, b) => (b === 0 ? undefined : Math.trunc(a / b))),
};

function elementwise(combine: (a: number, b: number) => number | undefined): Evaluate {
  return (_, [left, right]) => {
    if (left?.type !== "int64" || right?.type !== "int64") return undefined;
    const [a, b] = [integers(left), integers(right)];
    if (a === undefined || b === undefined) return undefined;
    const scalarLeft = left.dims.length === 0;
    const scalarRight = right.dims.length === 0;
    const same = left.dims.join() === right.dims.join();
    if (!same && !scalarLeft && !scalarRight) return undefined;
    const dims = scalarLeft ? right.dims : left.dims;
    const values: number[] = [];
    for (let index = 0; index < elementCount(dims); index++) {
      const value = combine(a[scalarLeft ? 0 : index] ?? 0, b[scalarRight ? 0 : index] ?? 0);
      if (value === undefined || !Number.isSafeInteger(value)) return undefined;
      values.push(value);
    }
    return make("int64", dims, values);
  };
}

/** The elements as safe integers, if that is what they are. */
function integers(tensor: Tensor): number[] | undefined {
  if (tensor.type !== "int64" && tensor.type !== "int32") return undefined;
  const values = Array.from(tensor.data, Number);
  return values.every((value) => Math.abs(value) <= 2 ** 63) ? values : undefined;
}

function axesOf(node: Node, axes: Tensor | undefined): readonly number[] | undefined {
  return axes === undefined ? attribute.ints(node, "axes", undefined) : integers(axes);
}

function normalized(axes: readonly number[] | undefined, rank: number): number[] | undefined {
  return axes?.map((axis) => (axis < 0 ? axis + rank : axis));
}

function reshaped(tensor: Tensor, dims: readonly number[]): Tensor {
  return { ...tensor, dims };
}

function pick(tensor: Tensor, positions: readonly number[], dims: readonly number[]) {
  const values = positions.map((at) => tensor.data[at]);
  const present = values.filter((value) => value !== undefined);
  return present.length === values.length ? make(tensor.type, dims, present) : undefined;
}

function make(
  type: Tensor["type"],
  dims: readonly number[],
  values: readonly (number | bigint | string)[],
): Tensor | undefined {
  switch (type) {
    case "int64": {
      const whole = values.map((value) => BigInt(value));
      const data = BigInt64Array.from(whole);
      return data.every((value, index) => value === whole[index])
        ? { type, dims, data }
        : undefined;
    }
    case "int32":
      return { type, dims, data: Int32Array.from(values, Number) };
    case "float32":
      return { type, dims, data: Float32Array.from(values, Number) };
    case "bool":
      return { type, dims, data: Uint8Array.from(values, Number) };
    default:
      return undefined;
  }
}
