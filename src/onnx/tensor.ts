/**
 * Element types by the names ONNX Runtime's JavaScript packages use.
 * `float16` and `bfloat16` are kept as raw 16-bit patterns, `bool` as bytes 0 and 1.
 */
export interface TypedArrays {
  float32: Float32Array;
  float64: Float64Array;
  float16: Uint16Array;
  bfloat16: Uint16Array;
  int8: Int8Array;
  uint8: Uint8Array;
  int16: Int16Array;
  uint16: Uint16Array;
  int32: Int32Array;
  uint32: Uint32Array;
  int64: BigInt64Array;
  uint64: BigUint64Array;
  bool: Uint8Array;
  string: string[];
}

export type DataType = keyof TypedArrays;

/** A dense tensor in row-major order: `data.length` is the product of `dims` (1 for a scalar, `dims` `[]`). */
export type Tensor<T extends DataType = DataType> = {
  [K in T]: {
    readonly type: K;
    readonly dims: readonly number[];
    readonly data: TypedArrays[K];
  };
}[T];

/** Number of elements of a tensor with these dimensions. */
export function elementCount(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}

/** A float32 tensor; a plain array is copied, a Float32Array is not. */
export function float32(
  data: Float32Array | readonly number[],
  dims: readonly number[],
): Tensor<"float32"> {
  return {
    type: "float32",
    dims,
    data: data instanceof Float32Array ? data : new Float32Array(data),
  };
}

/** A one-dimensional int64 tensor, the form ONNX takes shapes, axes and pads in. */
export function int64(values: readonly number[]): Tensor<"int64"> {
  return { type: "int64", dims: [values.length], data: BigInt64Array.from(values, BigInt) };
}

/** A float32 scalar (`dims` `[]`). */
export function scalar(value: number): Tensor<"float32"> {
  return float32([value], []);
}
