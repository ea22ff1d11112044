const scratch = new DataView(new ArrayBuffer(4));

/** One IEEE 754 half (its 16-bit pattern) as a number. */
export function halfToFloat(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The nearest IEEE 754 half (ties to even) of a number, as its 16-bit pattern. */
export function floatToHalf(value: number): number {
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  const sign = (bits >>> 16) & 0x8000;
  if (Number.isNaN(value)) return 0x7e00;
  const magnitude = Math.abs(value);
  if (magnitude >= 65520) return sign | 0x7c00;
  const exponent = Math.max(((bits >>> 23) & 0xff) - 127, -14);
  const units = roundHalfEven(magnitude * 2 ** (10 - exponent));
  // A carry out of the fraction lands in the exponent, which is what rounding up means.
  return sign | (units + (exponent + 14) * 1024);
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

let table: Float32Array | undefined;

/** Decodes half-precision patterns. */
export function decodeHalf(patterns: Uint16Array): Float32Array {
  table ??= Float32Array.from({ length: 0x10000 }, (_, half) => halfToFloat(half));
  const values = new Float32Array(patterns.length);
  for (let at = 0; at < patterns.length; at++) values[at] = table[patterns[at] ?? 0] ?? 0;
  return values;
}

/** Encodes numbers as half-precision patterns. */
export function encodeHalf(values: Float32Array | Float64Array): Uint16Array {
  return Uint16Array.from(values, floatToHalf);
}

/** Decodes bfloat16 patterns: the upper half of a float32. */
export function decodeBfloat(patterns: Uint16Array): Float32Array {
  return new Float32Array(Uint32Array.from(patterns, (pattern) => pattern << 16).buffer);
}
