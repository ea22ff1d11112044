import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { TensorProtoSchema } from "onnx-buf";
import { refuse } from "./refuse.ts";

const GRAPH_FIELD = 7;
/** Far above any real network, far below what decoding could fill the memory with. */
const MAX_MESSAGES = 1_000_000;
const MAX_VALUES = 4_000_000;

/** Packed `float_data` has the same bytes as `raw_data`, only under another tag. */
const FLOAT_DATA_TAG = (4 << 3) | WireType.LengthDelimited;
const RAW_DATA_TAG = (9 << 3) | WireType.LengthDelimited;
const LARGE_BYTES = 1024;
const MAX_DEPTH = 64;

/** How a field must look on the wire. */
type Shape =
  | { readonly kind: "message"; readonly message: DescMessage }
  | { readonly kind: "scalar"; readonly wire: WireType; readonly packable: boolean };

/**
 * Walks the wire format without decoding it, so that a hostile file is refused before anything
 * is allocated for it: two bytes of an empty message would decode to hundreds.
 * @returns the file to decode: a copy with large typed floats marked as raw data where there are
 * any, since decoding them one by one takes ten times their size; else `bytes`
 * @throws ThawError `onnx/not-onnx`, `onnx/truncated`, `onnx/malformed`, `onnx/too-complex`
 */
export function scan(bytes: Uint8Array, root: DescMessage): Uint8Array {
  const reader = new BinaryReader(bytes);
  const stack = [{ message: root, end: bytes.length }];
  let graphSeen = false;
  let messages = 0;
  let values = 0;
  const largeFloatData: number[] = [];

  const malformed = (what: string, cause?: unknown): never => {
    const where = `byte ${reader.pos}`;
    if (!graphSeen) return notOnnx(bytes, cause);
    return refuse("malformed", `This ONNX file is damaged: ${what}`, { where, cause });
  };
  const count = () => {
    values++;
    if (values > MAX_VALUES || messages > MAX_MESSAGES) {
      refuse("too-complex", "This file holds more parts than any real network", {
        where: `byte ${reader.pos}`,
      });
    }
  };
  const length = (end: number): number => {
    const size = reader.uint32();
    if (reader.pos + size > bytes.length) {
      if (!graphSeen) return notOnnx(bytes);
      return refuse("truncated", "This ONNX file ends before its content does", {
        where: `byte ${reader.pos}`,
        next: "Fetch or copy the file again; it is incomplete.",
      });
    }
    if (reader.pos + size > end) return malformed("a part is longer than what holds it");
    return size;
  };

  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    if (reader.pos === top.end) {
      stack.pop();
      continue;
    }
    if (reader.pos > top.end) malformed("a value runs past the end of its part");
    try {
      const start = reader.pos;
      const [number, wire] = reader.tag();
      const shape = shapes(top.message).get(number);
      if (stack.length === 1 && number === GRAPH_FIELD && wire === WireType.LengthDelimited) {
        graphSeen = true;
      }
      if (shape === undefined) {
        if (stack.length === 1 && !graphSeen && number > 100) notOnnx(bytes);
        reader.skip(wire, number, MAX_DEPTH);
      } else if (shape.kind === "message") {
        if (wire !== WireType.LengthDelimited) malformed("a field has the wrong type");
        messages++;
        count();
        const size = length(top.end);
        if (stack.length >= MAX_DEPTH) {
          refuse("too-deep", "The parts of this file are nested too deeply", {
            where: `byte ${reader.pos}`,
          });
        }
        stack.push({ message: shape.message, end: reader.pos + size });
      } else if (wire === WireType.LengthDelimited) {
        if (wire !== shape.wire && !shape.packable) malformed("a field has the wrong type");
        count();
        const size = length(top.end);
        reader.pos += size;
        if (shape.packable) {
          checkPacked(bytes, reader.pos, size, shape.wire, malformed);
          const rawable = top.message === TensorProtoSchema && bytes[start] === FLOAT_DATA_TAG;
          if (rawable && size >= LARGE_BYTES) largeFloatData.push(start);
          else values += shape.wire === WireType.Varint ? size : size / 4;
        }
        count();
      } else {
        if (wire !== shape.wire) malformed("a field has the wrong type");
        count();
        reader.skip(wire, number);
      }
    } catch (cause) {
      if (cause instanceof Error && cause.name === "ThawError") throw cause;
      malformed("its encoding breaks off", cause);
    }
  }
  if (!graphSeen) notOnnx(bytes);
  if (largeFloatData.length === 0) return bytes;
  const patched = bytes.slice();
  for (const at of largeFloatData) patched[at] = RAW_DATA_TAG;
  return patched;
}

/** A packed list must end where its last number ends; the decoder would read on past it. */
function checkPacked(
  bytes: Uint8Array,
  end: number,
  size: number,
  wire: WireType,
  malformed: (what: string) => never,
): void {
  const whole =
    wire === WireType.Varint
      ? size === 0 || (bytes[end - 1] ?? 0) < 0x80
      : size % (wire === WireType.Bit32 ? 4 : 8) === 0;
  if (!whole) malformed("a list of numbers breaks off");
}

function notOnnx(bytes: Uint8Array, cause?: unknown): never {
  const head = String.fromCharCode(...bytes.subarray(0, 40));
  if (head.startsWith("version https://git-lfs")) {
    return refuse("not-onnx", "This is a Git LFS pointer, not the model it points to", {
      next: "Run `git lfs pull` in the repository the file came from.",
    });
  }
  return refuse("not-onnx", bytes.length === 0 ? "This file is empty" : "This is no ONNX file", {
    next: "Give an .onnx file; other formats must be exported to ONNX first.",
    cause,
  });
}

const known = new Map<DescMessage, ReadonlyMap<number, Shape>>();

function shapes(message: DescMessage): ReadonlyMap<number, Shape> {
  let found = known.get(message);
  if (found === undefined) {
    found = new Map(message.fields.map((field) => [field.number, shapeOf(field)]));
    known.set(message, found);
  }
  return found;
}

function shapeOf(field: DescField): Shape {
  if (field.message !== undefined) return { kind: "message", message: field.message };
  const wire = field.scalar === undefined ? WireType.Varint : wireOf(field.scalar);
  return {
    kind: "scalar",
    wire,
    packable: field.fieldKind === "list" && wire !== WireType.LengthDelimited,
  };
}

function wireOf(type: ScalarType): WireType {
  switch (type) {
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return WireType.LengthDelimited;
    case ScalarType.FLOAT:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return WireType.Bit32;
    case ScalarType.DOUBLE:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return WireType.Bit64;
    default:
      return WireType.Varint;
  }
}
