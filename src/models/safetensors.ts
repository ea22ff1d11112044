import { z } from "zod";
import { arrayTypes, bytesPerElement } from "../onnx/data-type.ts";
import { type DataType, elementCount, type Tensor } from "../onnx/tensor.ts";
import { refuse } from "./refuse.ts";
import { plausibleDims } from "./state-dict.ts";

type Stored = Exclude<DataType, "string">;

/** A `.safetensors` file in memory. */
export interface Safetensors {
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** The file's `__metadata__`. */
  readonly metadata: ReadonlyMap<string, string>;
}

const typeNames = {
  BOOL: "bool",
  U8: "uint8",
  I8: "int8",
  U16: "uint16",
  I16: "int16",
  U32: "uint32",
  I32: "int32",
  U64: "uint64",
  I64: "int64",
  F16: "float16",
  BF16: "bfloat16",
  F32: "float32",
  F64: "float64",
} as const satisfies Record<string, Stored>;

const fileNames = new Map<DataType, string>(
  Object.entries(typeNames).map(([file, type]) => [type, file]),
);

const LENGTH_BYTES = 8;
/** The reference implementation's own limit. */
const MAX_HEADER_BYTES = 100_000_000;

const entry = z.object({
  dtype: z.enum(Object.keys(typeNames) as (keyof typeof typeNames)[]),
  shape: z.array(z.int().nonnegative()).max(32).refine(plausibleDims),
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
});

/**
 * Reads a safetensors file. Every tensor is copied out, so `bytes` may be reused.
 * Format: https://github.com/huggingface/safetensors#format (little-endian; the tensors' byte
 * ranges tile the data section with neither holes nor overlaps).
 * @throws ThawError `models/bad-safetensors`
 */
export function readSafetensors(bytes: Uint8Array): Safetensors {
  const { header, data } = splitFile(bytes);
  const { __metadata__, ...entries } = header;
  const metadata = z.record(z.string(), z.string()).optional().safeParse(__metadata__);
  if (!metadata.success) return bad("its metadata is not text by name");

  const tensors = new Map<string, Tensor>();
  const ranges: [number, number][] = [];
  for (const [name, raw] of Object.entries(entries)) {
    const parsed = entry.safeParse(raw);
    if (!parsed.success) return bad("a tensor's type, shape or offsets make no sense", name);
    const { dtype, shape, data_offsets } = parsed.data;
    const [begin, end] = data_offsets;
    const type = typeNames[dtype];
    if (begin > end || end > data.length) return bad("a tensor lies outside the file", name);
    if (end - begin !== elementCount(shape) * bytesPerElement(type)) {
      return bad("a tensor's size does not match its shape", name);
    }
    ranges.push([begin, end]);
    tensors.set(name, tensorFrom(type, shape, data.subarray(begin, end)));
  }
  checkTiling(ranges, data.length);
  return { tensors, metadata: new Map(Object.entries(metadata.data ?? {})) };
}

function splitFile(bytes: Uint8Array): { header: Record<string, unknown>; data: Uint8Array } {
  if (bytes.length < LENGTH_BYTES) return bad("it is shorter than its own header");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = Number(view.getBigUint64(0, true));
  if (length > MAX_HEADER_BYTES || length > bytes.length - LENGTH_BYTES) {
    return bad("its header is longer than the file");
  }
  const text = bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + length);
  try {
    const parsed: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(text));
    const header = z.record(z.string(), z.unknown()).parse(parsed);
    return { header, data: bytes.subarray(LENGTH_BYTES + length) };
  } catch (cause) {
    return bad("its header is not JSON", undefined, cause);
  }
}

function checkTiling(ranges: [number, number][], total: number): void {
  let at = 0;
  for (const [begin, end] of ranges.sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
    if (begin !== at) bad("its tensors overlap or leave holes");
    at = end;
  }
  if (at !== total) bad("it holds bytes that belong to no tensor");
}

function bad(reason: string, where?: string, cause?: unknown): never {
  return refuse("bad-safetensors", `This is not a sound safetensors file: ${reason}`, {
    ...(where === undefined ? {} : { where }),
    next: "Fetch or export the file again.",
    cause,
  });
}

/** A tensor of its own from little-endian bytes whose length has been checked. */
export function tensorFrom(type: Stored, dims: readonly number[], bytes: Uint8Array): Tensor {
  // A copy aligns the bytes, which a typed array needs; `slice` would give a view of a Node Buffer.
  const data = new arrayTypes[type](new Uint8Array(bytes).buffer, 0, elementCount(dims));
  // The table of array types is the proof that type and data belong to each other.
  return { type, dims, data } as Tensor;
}

/**
 * Writes tensors in the order given, larger element types first so that every tensor is aligned.
 * @throws ThawError `models/wrong-type` for string tensors
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, Tensor>,
  metadata?: ReadonlyMap<string, string>,
): Uint8Array {
  const parts = safetensorsParts(tensors, metadata);
  const file = new Uint8Array(parts.reduce((size, { length }) => size + length, 0));
  let at = 0;
  for (const part of parts) {
    file.set(part, at);
    at += part.length;
  }
  return file;
}

/** What `writeSafetensors` writes, piece by piece: the tensors' own bytes, of which no copy is made. */
export function safetensorsParts(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: ReadonlyMap<string, string> = new Map(),
): readonly Uint8Array[] {
  const parts = [...tensors].map(([name, tensor]) => ({ name, tensor, bytes: bytesOf(tensor) }));
  parts.sort((a, b) => elementBytes(b.tensor) - elementBytes(a.tensor));
  const header = new Map<string, unknown>();
  if (metadata.size > 0) header.set("__metadata__", Object.fromEntries(metadata));
  let at = 0;
  for (const { name, tensor, bytes } of parts) {
    header.set(name, {
      dtype: fileNames.get(tensor.type),
      shape: tensor.dims,
      data_offsets: [at, at + bytes.length],
    });
    at += bytes.length;
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const headerLength = Math.ceil(json.length / LENGTH_BYTES) * LENGTH_BYTES;
  const start = new Uint8Array(LENGTH_BYTES + headerLength).fill(0x20);
  new DataView(start.buffer).setBigUint64(0, BigInt(headerLength), true);
  start.set(json, LENGTH_BYTES);
  return [start, ...parts.map(({ bytes }) => bytes)];
}

function bytesOf(tensor: Tensor): Uint8Array {
  if (tensor.type === "string") {
    return refuse("wrong-type", "A safetensors file cannot hold text tensors");
  }
  return new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
}

function elementBytes(tensor: Tensor): number {
  return tensor.type === "string" ? 0 : bytesPerElement(tensor.type);
}

/** @throws TypeError where no float32 tensor has this name */
export function floats(tensors: ReadonlyMap<string, Tensor>, name: string): Float32Array {
  const tensor = tensors.get(name);
  if (tensor?.type !== "float32") throw new TypeError(`no float32 tensor ${name}`);
  return tensor.data;
}
