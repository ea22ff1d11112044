import { z } from "zod";

/** How cached activations are kept: 4 or 2 bytes a number. */
export const activationType = z.enum(["float32", "float16"]);
export type ActivationType = z.infer<typeof activationType>;

export const bytesPerScalar: Readonly<Record<ActivationType, number>> = { float32: 4, float16: 2 };

const floats = new Float32Array(1);
const bits = new Uint32Array(floats.buffer);

/** Largest finite float16; cached activations saturate there instead of becoming infinite. */
const largestHalf = 0x7bff;

/** Rounds to the nearest float16 (ties to even), as a bit pattern; overflow saturates, NaN stays NaN. */
export function toHalf(value: number): number {
  floats[0] = value;
  const pattern = bits[0] ?? 0;
  const sign = (pattern >>> 16) & 0x8000;
  const magnitude = pattern & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | largestHalf;
  if (magnitude < 0x38800000) {
    // Below the smallest normal half: adding 0.5 aligns the mantissa at 2^-24 and rounds it.
    floats[0] = Math.abs(value) + 0.5;
    return sign | ((bits[0] ?? 0) - 0x3f000000);
  }
  return sign | ((magnitude - 0x38000000 + 0x0fff + ((magnitude >>> 13) & 1)) >>> 13);
}

const halfValues = Float32Array.from({ length: 65536 }, (_, half) => {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
});

/** Encodes float32 activations; float32 is a view of the same memory, float16 a new array. */
export function encodeActivations(values: Float32Array, type: ActivationType): Uint8Array {
  if (type === "float32") {
    return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  }
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) halves[i] = toHalf(values[i] ?? 0);
  return new Uint8Array(halves.buffer);
}

/** Decodes bytes made by `encodeActivations`; they must start at a multiple of four. */
export function decodeActivations(bytes: Uint8Array, type: ActivationType): Float32Array {
  if (type === "float32") {
    return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  }
  const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2);
  const values = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) values[i] = halfValues[halves[i] ?? 0] ?? 0;
  return values;
}
