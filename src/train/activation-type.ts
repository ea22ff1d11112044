import { z } from "zod";
import { decodeHalf, floatToHalf } from "../models/float16.ts";

/** How cached activations are kept: 4 or 2 bytes a number. */
export const activationType = z.enum(["float32", "float16"]);
export type ActivationType = z.infer<typeof activationType>;

export const bytesPerScalar: Readonly<Record<ActivationType, number>> = { float32: 4, float16: 2 };

/** Largest finite float16; cached activations saturate there instead of becoming infinite. */
const largestHalf = 65504;

/** Encodes float32 activations; float32 is a view of the same memory, float16 a new array. */
export function encodeActivations(values: Float32Array, type: ActivationType): Uint8Array {
  if (type === "float32") {
    return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  }
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    halves[i] = floatToHalf(Math.max(-largestHalf, Math.min(largestHalf, values[i] ?? 0)));
  }
  return new Uint8Array(halves.buffer);
}

/** Decodes bytes made by `encodeActivations`; they must start at a multiple of four. */
export function decodeActivations(bytes: Uint8Array, type: ActivationType): Float32Array {
  if (type === "float32") {
    return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  }
  return decodeHalf(new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2));
}
