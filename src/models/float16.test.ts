import { describe, expect, it } from "vitest";
import { decodeBfloat, floatToHalf, halfToFloat } from "./float16.ts";

describe("half precision", () => {
  it("survives the way there and back for every pattern", () => {
    const changed = Array.from({ length: 0x10000 }, (_, half) => half).filter((half) => {
      const value = halfToFloat(half);
      const back = floatToHalf(value);
      return Number.isNaN(value) ? !Number.isNaN(halfToFloat(back)) : back !== half;
    });
    expect(changed).toEqual([]);
  });

  it("rounds to nearest, ties to even, and overflows to infinity", () => {
    expect(halfToFloat(floatToHalf(1 + 1 / 2048))).toBe(1);
    expect(halfToFloat(floatToHalf(1 + 3 / 2048))).toBe(1 + 4 / 2048);
    expect(halfToFloat(floatToHalf(1 - 2 ** -14))).toBe(1);
    expect(floatToHalf(65519)).toBe(0x7bff);
    expect(floatToHalf(65520)).toBe(0x7c00);
    expect(floatToHalf(-1e30)).toBe(0xfc00);
    expect(halfToFloat(floatToHalf(2 ** -25))).toBe(0);
    expect(halfToFloat(floatToHalf(1.5 * 2 ** -25))).toBe(2 ** -24);
  });

  it("takes bfloat16 as the upper half of a float32", () => {
    expect([...decodeBfloat(Uint16Array.of(0x3f80, 0xc000, 0x7f80))]).toEqual([1, -2, Infinity]);
  });
});
