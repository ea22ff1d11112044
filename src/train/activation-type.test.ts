import { expect, test } from "vitest";
import { decodeActivations, encodeActivations } from "./activation-type.ts";

const half = (value: number) =>
  decodeActivations(encodeActivations(new Float32Array([value]), "float16"), "float16")[0];

test("float16 keeps eleven bits, saturates instead of overflowing, and keeps NaN", () => {
  expect(half(1 + 2 ** -10)).toBe(1 + 2 ** -10);
  expect(half(1 + 2 ** -12)).toBe(1);
  expect(half(1e9)).toBe(65504);
  expect(half(Number.NEGATIVE_INFINITY)).toBe(-65504);
  expect(half(Number.NaN)).toBeNaN();
});

test("float32 comes back bit by bit", () => {
  const values = new Float32Array([1.5, -0, 1e-40, 3e38]);
  const back = decodeActivations(encodeActivations(values, "float32"), "float32");
  expect(new Uint32Array(back.slice().buffer)).toEqual(new Uint32Array(values.slice().buffer));
});
