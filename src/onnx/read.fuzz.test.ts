import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fuzzSeeds, headOf, survive } from "./fuzz.fixture.ts";
import { mutated } from "./mutate.fixture.ts";

const real = new URL("../../../shared/models/mobilenet_v2_035/model.onnx", import.meta.url);

async function outcomes(seeds: readonly Uint8Array[], count: number): Promise<Set<string>> {
  const seen = new Set<string>();
  for (let index = 0; index < count; index++) seen.add(await survive(mutated(seeds, index).bytes));
  return seen;
}

describe("a damaged model is read or refused, nothing else", () => {
  test("the undamaged ones are read", async () => {
    for (const seed of fuzzSeeds()) expect(await survive(seed)).toBe("read");
  });

  test("a thousand damaged files", async () => {
    const seen = await outcomes(fuzzSeeds(), 1000);
    // The campaign is worth nothing unless damage reaches all stages of the reader.
    for (const code of [
      "read",
      "onnx/truncated",
      "onnx/malformed",
      "onnx/lying-shape",
      "onnx/dangling-input",
      "onnx/too-deep",
    ]) {
      expect(seen).toContain(code);
    }
  });

  test.skipIf(!existsSync(real))(
    "the head of a real network (skipped where ../shared/models is absent)",
    async () => {
      const head = await headOf(new Uint8Array(readFileSync(real)), 12);
      expect(await survive(head)).toBe("read");
      expect((await outcomes([head], 300)).size).toBeGreaterThan(5);
    },
  );

  test("any bytes at all", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        expect(await survive(bytes)).toMatch(/^read$|^onnx\//);
      }),
    );
  });
});
