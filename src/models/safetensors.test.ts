import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ThawError } from "../errors.ts";
import { float32, int64, type Tensor } from "../onnx/tensor.ts";
import { readSafetensors, writeSafetensors } from "./safetensors.ts";

const sample = new Map<string, Tensor>([
  ["mask", { type: "bool", dims: [3], data: Uint8Array.of(1, 0, 1) }],
  ["weight", float32([1, 2, 3, 4], [2, 2])],
  ["step", int64([7])],
  ["half", { type: "float16", dims: [2], data: Uint16Array.of(0x3c00, 0xc000) }],
  ["scalar", float32([0.5], [])],
  ["empty", float32([], [0, 4])],
]);

function file(header: unknown, data: Uint8Array): Uint8Array {
  const json = new TextEncoder().encode(
    typeof header === "string" ? header : JSON.stringify(header),
  );
  const bytes = new Uint8Array(8 + json.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  bytes.set(data, 8 + json.length);
  return bytes;
}

const two = (offsets: number[], extra = {}) => ({
  a: { dtype: "U8", shape: [2], data_offsets: offsets },
  ...extra,
});

describe("safetensors", () => {
  it("reads what it wrote, at any alignment of the bytes", () => {
    const written = writeSafetensors(sample, new Map([["format", "thaw"]]));
    const shifted = new Uint8Array(written.length + 3);
    shifted.set(written, 3);
    const { tensors, metadata } = readSafetensors(shifted.subarray(3));
    expect(metadata.get("format")).toBe("thaw");
    expect(new Map([...tensors].sort())).toEqual(new Map([...sample].sort()));
  });

  it("copies tensors out of a Buffer", () => {
    const buffer = Buffer.from(writeSafetensors(sample));
    const { tensors } = readSafetensors(buffer);
    buffer.fill(0);
    expect(tensors.get("weight")).toEqual(sample.get("weight"));
  });

  it("writes the same bytes for the same tensors", () => {
    expect(writeSafetensors(sample)).toEqual(writeSafetensors(new Map(sample)));
  });

  it.each([
    ["a cut header", file(two([0, 2]), new Uint8Array(2)).subarray(0, 20)],
    ["nothing", new Uint8Array(0)],
    ["a header longer than the file", Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 127, 0)],
    ["a header that is no JSON", file("{", new Uint8Array(2))],
    ["a header that is a list", file("[]", new Uint8Array(0))],
    ["a cut data section", file(two([0, 2]), new Uint8Array(1))],
    ["offsets outside", file(two([1, 3]), new Uint8Array(2))],
    ["offsets the wrong way round", file(two([2, 0]), new Uint8Array(2))],
    ["negative offsets", file(two([-2, 0]), new Uint8Array(2))],
    ["a shape that does not fit", file(two([0, 3]), new Uint8Array(3))],
    ["bytes of no tensor", file(two([0, 2]), new Uint8Array(5))],
    ["an overlap", file(two([0, 2], { b: two([1, 3]).a }), new Uint8Array(3))],
    ["a hole", file(two([0, 2], { b: two([3, 5]).a }), new Uint8Array(5))],
    [
      "an unknown type",
      file({ a: { dtype: "Q4", shape: [], data_offsets: [0, 1] } }, new Uint8Array(1)),
    ],
    [
      "a shape whose product overflows",
      file(
        { a: { dtype: "U8", shape: [2 ** 40, 2 ** 40], data_offsets: [0, 2] } },
        new Uint8Array(2),
      ),
    ],
    ["metadata that is not text", file({ __metadata__: { a: 1 } }, new Uint8Array(0))],
  ])("refuses %s", (_, bytes) => {
    expect(() => readSafetensors(bytes)).toThrow(ThawError);
  });

  it("never fails otherwise than by refusing", () => {
    const valid = writeSafetensors(sample);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        fc.nat(valid.length),
        (edits, length) => {
          const bytes = valid.slice(0, length);
          for (const [at, value] of edits) if (at < length) bytes[at] = value;
          try {
            readSafetensors(bytes);
          } catch (error) {
            expect(error).toBeInstanceOf(ThawError);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
