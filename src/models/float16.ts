const floats = new Float32Array(1);
const bits = new Uint32Array(floats.buffer);
/** Float32 patterns of 65520, which rounds to infinity, and of 2^-14. */
const smallestOverflow = 0x477ff000;
const smallestNormal = 0x38800000;

/** One IEEE 754 half (its 16-bit pattern) as a number. */
export function halfToFloat(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/**
 * The nearest IEEE 754 half (ties to even) of a float32, as its 16-bit pattern. On the bits alone:
 * cached activations come by the hundred million.
 */
export function floatToHalf(value: number): number {
  floats[0] = value;
  const pattern = bits[0] ?? 0;
  const sign = (pattern >>> 16) & 0x8000;
  const magnitude = pattern & 0x7fffffff;
  if (magnitude > 0x7f800000) return 0x7e00;
  if (magnitude >= smallestOverflow) return sign | 0x7c00;
  if (magnitude < smallestNormal) {
    // The last bit of 0.5 as a float32 is worth 2^-24, the last bit of a subnormal half.
    floats[0] = Math.abs(value) + 0.5;
    return sign | ((bits[0] ?? 0) - 0x3f000000);
  }
  // The exponent moves from bias 127 to 15; a carry out of the fraction lands in it.
  const tieToEven = 0x0fff + ((magnitude >>> 13) & 1);
  return sign | ((magnitude - 0x38000000 + tieToEven) >>> 13);
}

let table: Float32Array | undefined;

/** Decodes half-precision patterns. */
export function decodeHalf(patterns: Uint16Array): Float32Array {
  table ??= Float32Array.from({ length: 0x10000 }, (_, half) => halfToFloat(half));
  const values = new Float32Array(patterns.length);
  for (let at = 0; at < patterns.length; at++) values[at] = table[patterns[at] ?? 0] ?? 0;
  return values;
}

/** Decodes bfloat16 patterns: the upper half of a float32. */
export function decodeBfloat(patterns: Uint16Array): Float32Array {
  return new Float32Array(Uint32Array.from(patterns, (pattern) => pattern << 16).buffer);
}
