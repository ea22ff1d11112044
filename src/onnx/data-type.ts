import { TensorProto_DataType as Proto } from "onnx-buf";
import type { DataType, TypedArrays } from "./tensor.ts";

type Numeric = Exclude<DataType, "string">;

const protoTypes: Readonly<Record<DataType, Proto>> = {
  float32: Proto.FLOAT,
  float64: Proto.DOUBLE,
  float16: Proto.FLOAT16,
  bfloat16: Proto.BFLOAT16,
  int8: Proto.INT8,
  uint8: Proto.UINT8,
  int16: Proto.INT16,
  uint16: Proto.UINT16,
  int32: Proto.INT32,
  uint32: Proto.UINT32,
  int64: Proto.INT64,
  uint64: Proto.UINT64,
  bool: Proto.BOOL,
  string: Proto.STRING,
};

const dataTypes = new Map(
  (Object.keys(protoTypes) as DataType[]).map((type) => [protoTypes[type], type]),
);

/** The number ONNX files store for an element type. */
export function toProtoType(type: DataType): number {
  return protoTypes[type];
}

/** The element type behind a number in an ONNX file; undefined for those Thaw does not hold. */
export function fromProtoType(type: number): DataType | undefined {
  return dataTypes.get(type);
}

/** The ONNX name of an element-type number, for messages. */
export function protoTypeName(type: number): string {
  return Proto[type] ?? `number ${type}`;
}

interface ArrayType<A> {
  readonly BYTES_PER_ELEMENT: number;
  new (length: number): A;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): A;
}

/** The typed array that holds the elements of each numeric type. */
export const arrayTypes: { readonly [T in Numeric]: ArrayType<TypedArrays[T]> } = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
};

/** Bytes of one element; strings have no fixed size. */
export function bytesPerElement(type: Numeric): number {
  return arrayTypes[type].BYTES_PER_ELEMENT;
}
