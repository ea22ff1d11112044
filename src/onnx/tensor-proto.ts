import { create } from "@bufbuild/protobuf";
import { type TensorProto, TensorProto_DataLocation, TensorProtoSchema } from "onnx-buf";
import {
  arrayTypes,
  bytesPerElement,
  fromProtoType,
  protoTypeName,
  toProtoType,
} from "./data-type.ts";
import { refuse } from "./refuse.ts";
import { type DataType, elementCount, type Tensor } from "./tensor.ts";

const MAX_RANK = 64;
const MAX_ELEMENTS = 2 ** 31 - 1;

/**
 * Decodes a tensor. Raw data that is aligned in the file is viewed, not copied.
 * @throws ThawError `onnx/unsupported-type`, `onnx/lying-shape`, `onnx/absurd-size`
 */
export function readTensor(proto: TensorProto, where: string): Tensor {
  const type = typeOf(proto, where);
  const dims = readDims(proto, where);
  const count = elementCount(dims);
  if (proto.segment !== undefined)
    refuse("unsupported", "Segmented tensors are unknown", { where });
  if (proto.dataLocation === TensorProto_DataLocation.EXTERNAL) {
    refuse("external-missing", "The tensor's data is in another file", { where });
  }
  if (type === "string") {
    checkCount(proto.stringData.length, count, where);
    return { type, dims, data: proto.stringData.map((bytes) => decodeText(bytes, where)) };
  }
  if (proto.rawData.length > 0) {
    checkCount(proto.rawData.length / bytesPerElement(type), count, where);
    return fromBytes(type, dims, proto.rawData, count);
  }
  return fromTyped(type, dims, proto, count, where);
}

/** Encodes a tensor, numbers as raw bytes. */
export function writeTensor(name: string, tensor: Tensor): TensorProto {
  if (tensor.data.length !== elementCount(tensor.dims)) {
    refuse("lying-shape", `${tensor.data.length} elements do not fill [${tensor.dims.join()}]`, {
      where: name,
    });
  }
  const head = { name, dims: tensor.dims.map(BigInt), dataType: toProtoType(tensor.type) };
  if (tensor.type === "string") {
    const encoder = new TextEncoder();
    const stringData = tensor.data.map((text) => encoder.encode(text));
    return create(TensorProtoSchema, { ...head, stringData });
  }
  return create(TensorProtoSchema, { ...head, rawData: bytesOf(tensor.data) });
}

/**
 * Bytes that the declared type and dimensions ask for.
 * @throws ThawError `onnx/unsupported-type`, `onnx/absurd-size`, `onnx/lying-shape`
 */
export function declaredBytes(proto: TensorProto): number {
  const type = typeOf(proto, proto.name);
  if (type === "string")
    refuse("unsupported-type", "Strings cannot be external data", { where: proto.name });
  return elementCount(readDims(proto, proto.name)) * bytesPerElement(type);
}

/** UTF-8 text, or an error. */
export function decodeText(bytes: Uint8Array, where: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    return refuse("malformed", "A text in this file is not UTF-8", { where, cause });
  }
}

function typeOf(proto: TensorProto, where: string): DataType {
  return (
    fromProtoType(proto.dataType) ??
    refuse(
      "unsupported-type",
      `Tensors of type ${protoTypeName(proto.dataType)} are not supported`,
      {
        where,
        next: "Export the network with float32, float16 or ordinary integer tensors.",
      },
    )
  );
}

function readDims(proto: TensorProto, where: string): number[] {
  if (proto.dims.length > MAX_RANK)
    refuse("absurd-size", "A tensor has too many dimensions", { where });
  let count = 1;
  return proto.dims.map((dim) => {
    if (dim < 0n) refuse("lying-shape", `A tensor has the negative dimension ${dim}`, { where });
    // A zero makes the tensor empty, yet the other dimensions must still be believable.
    if (dim > 0n) count *= Number(dim);
    if (count > MAX_ELEMENTS)
      refuse("absurd-size", "A tensor is larger than 2 Gi elements", { where });
    return Number(dim);
  });
}

function checkCount(found: number, expected: number, where: string): void {
  if (found !== expected) {
    refuse("lying-shape", `A tensor holds ${found} elements where its shape needs ${expected}`, {
      where,
    });
  }
}

type NumericType = Exclude<DataType, "string">;

function fromBytes(type: NumericType, dims: number[], bytes: Uint8Array, count: number): Tensor {
  const ArrayType = arrayTypes[type];
  // Files are little-endian and so is every machine that JavaScript engines run on.
  // `slice` would give a view, as unaligned as before, where the file came as a Node Buffer.
  const aligned =
    bytes.byteOffset % ArrayType.BYTES_PER_ELEMENT === 0 ? bytes : new Uint8Array(bytes);
  const data = new ArrayType(aligned.buffer, aligned.byteOffset, count);
  if (type === "bool")
    return { type, dims, data: Uint8Array.from(aligned, (byte) => (byte ? 1 : 0)) };
  return { type, dims, data } as Tensor;
}

function fromTyped(
  type: NumericType,
  dims: number[],
  proto: TensorProto,
  count: number,
  where: string,
): Tensor {
  const source = typedSource(type, proto);
  checkCount(source.length, count, where);
  const data = new arrayTypes[type](count);
  for (let i = 0; i < count; i++) data[i] = source[i] as never;
  if (type === "bool") return { type, dims, data: Uint8Array.from(source, (v) => (v ? 1 : 0)) };
  return { type, dims, data } as Tensor;
}

/** The field ONNX keeps each type's elements in when they are not raw. */
function typedSource(type: NumericType, proto: TensorProto): readonly (number | bigint)[] {
  switch (type) {
    case "float32":
      return proto.floatData;
    case "float64":
      return proto.doubleData;
    case "int64":
      return proto.int64Data;
    case "uint32":
      return proto.uint64Data.map(Number);
    case "uint64":
      return proto.uint64Data;
    default:
      return proto.int32Data;
  }
}

function bytesOf(data: Exclude<Tensor["data"], string[]>): Uint8Array<ArrayBuffer> {
  return data.buffer instanceof ArrayBuffer
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}
