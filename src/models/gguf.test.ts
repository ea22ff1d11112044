import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ThawError } from "../errors.ts";
import { readGguf } from "./gguf.ts";

interface Stored {
  readonly name: string;
  /** Innermost first, as the file has it. */
  readonly dims: readonly number[];
  readonly type: number;
  readonly offset: number;
}

function gguf(tensors: readonly Stored[], data: Uint8Array): Uint8Array {
  const bytes: number[] = [];
  const u32 = (value: number) => bytes.push(...new Uint8Array(Uint32Array.of(value).buffer));
  const u64 = (value: number) =>
    bytes.push(...new Uint8Array(BigUint64Array.of(BigInt(value)).buffer));
  const text = (value: string) => {
    u64(value.length);
    bytes.push(...new TextEncoder().encode(value));
  };
  bytes.push(...new TextEncoder().encode("GGUF"));
  u32(3);
  u64(tensors.length);
  u64(1);
  text("general.architecture");
  u32(8);
  text("test");
  for (const { name, dims, type, offset } of tensors) {
    text(name);
    u32(dims.length);
    dims.forEach(u64);
    u32(type);
    u64(offset);
  }
  while (bytes.length % 32 !== 0) bytes.push(0);
  return Uint8Array.from([...bytes, ...data]);
}

const floats = new Uint8Array(Float32Array.of(1, 2, 3, 4, 5, 6).buffer);
const matrix: Stored = { name: "w", dims: [3, 2], type: 0, offset: 0 };

describe("readGguf", () => {
  it("reads tensors with dimensions in PyTorch's order", async () => {
    const half: Stored = { name: "h", dims: [], type: 1, offset: 24 };
    const tensors = await readGguf(gguf([matrix, half], Uint8Array.of(...floats, 0, 0x3c)));
    expect(tensors.get("w")).toEqual({
      type: "float32",
      dims: [2, 3],
      data: Float32Array.of(1, 2, 3, 4, 5, 6),
    });
    expect(tensors.get("h")).toEqual({ type: "float16", dims: [], data: Uint16Array.of(0x3c00) });
  });

  it.each([
    ["models/bad-gguf", "an empty file", new Uint8Array(0)],
    [
      "models/bad-gguf",
      "another format",
      new TextEncoder().encode("PK\u0003\u0004 not a model at all"),
    ],
    ["models/bad-gguf", "a cut header", gguf([matrix], floats).subarray(0, 60)],
    ["models/bad-gguf", "cut data", gguf([matrix], floats.subarray(0, 20))],
    ["models/bad-gguf", "an offset outside", gguf([{ ...matrix, offset: 2 ** 40 }], floats)],
    ["models/bad-gguf", "a huge shape", gguf([{ ...matrix, dims: [2 ** 31, 2 ** 31] }], floats)],
    ["models/bad-gguf", "one name twice", gguf([matrix, matrix], floats)],
    ["models/quantised", "quantised weights", gguf([{ ...matrix, type: 2 }], floats)],
  ])("refuses with %s: %s", async (code, _, bytes) => {
    await expect(readGguf(bytes)).rejects.toMatchObject({ fault: { code } });
  });

  it("never fails otherwise than by refusing", async () => {
    const valid = gguf([matrix], floats);
    await fc.assert(
      fc.asyncProperty(fc.nat(valid.length - 1), fc.nat(255), async (at, value) => {
        const bytes = valid.slice();
        bytes[at] = value;
        await readGguf(bytes).catch((error: unknown) => expect(error).toBeInstanceOf(ThawError));
      }),
      { numRuns: 200 },
    );
  });
});
