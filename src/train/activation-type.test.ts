import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeActivations, encodeActivations, toHalf } from "./activation-type.ts";

const half = (value: number) =>
  decodeActivations(encodeActivations(new Float32Array([value]), "float16"), "float16")[0];

test("every float16 pattern survives the way there and back", () => {
  const values = decodeActivations(
    new Uint8Array(Uint16Array.from({ length: 0x7c00 }, (_, i) => i).buffer),
    "float16",
  );
  expect(values.every((value, pattern) => toHalf(value) === pattern)).toBe(true);
  expect(values.every((value, pattern) => toHalf(-value) === (pattern | 0x8000))).toBe(true);
});

test("rounds to nearest, ties to even", () => {
  expect(half(1 + 2 ** -11)).toBe(1);
  expect(half(1 + 3 * 2 ** -11)).toBe(1 + 2 ** -9);
  expect(half(1 + 2 ** -11 + 2 ** -20)).toBe(1 + 2 ** -10);
  expect(half(2 ** -25)).toBe(0);
  expect(half(3 * 2 ** -26)).toBe(2 ** -24);
  fc.assert(
    fc.property(fc.float({ min: -60000, max: 60000, noNaN: true }), (value) => {
      const error = Math.abs((half(value) ?? 0) - value);
      return error <= Math.max(Math.abs(value) * 2 ** -11, 2 ** -25);
    }),
  );
});

test("saturates instead of overflowing and keeps NaN", () => {
  expect(half(1e9)).toBe(65504);
  expect(half(Number.NEGATIVE_INFINITY)).toBe(-65504);
  expect(half(Number.NaN)).toBeNaN();
});

test("float32 comes back bit by bit", () => {
  const values = new Float32Array([1.5, -0, 1e-40, 3e38]);
  const back = decodeActivations(encodeActivations(values, "float32"), "float32");
  expect(new Uint32Array(back.slice().buffer)).toEqual(new Uint32Array(values.slice().buffer));
});
