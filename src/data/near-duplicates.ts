import { chromaSide, lumaSide, thumbnailLength } from "./thumbnail.ts";

/** What the search for near duplicates needs to know of one picture. */
export interface Likeness {
  readonly hash: bigint;
  readonly thumbnail: Uint8Array;
  /** Width by height. */
  readonly aspect: number;
}

/** Neighbours looked at after each picture in each of the sorted orders. */
const window = 24;
const rotations = 8;
/** Bits of 64 in which the hashes of two near duplicates may differ. */
const furthestHash = 14;
const leastToneCorrelation = 0.99;
const leastDetailCorrelation = 0.94;
/** Difference of the logarithms of the aspects: what rounding does to a 32 px thumbnail. */
const furthestAspect = 0.05;
/** Mean difference of the chroma planes, of 255 levels. */
const furthestChroma = 6;
/** Levels of contrast (of 255) below which fine detail counts less and less: encoding noise. */
const noiseContrast = 6;
/** Fine detail varies by at least this share of its local contrast, or proves nothing. */
const leastDetail = 0.1;

/**
 * Pairs of pictures that are the same one resized, encoded again or slightly edited in tone.
 *
 * Candidates come from the sorted-neighbourhood method: the hashes are sorted eight times, each
 * time from another byte on, and only near neighbours are compared, so the time grows with
 * n log n (Hernandez and Stolfo, "The Merge/Purge Problem for Large Databases", 1995).
 * A candidate must then agree in shape, colour, tone and fine detail, the detail measured
 * against its local contrast everywhere: scans with the same strong edge and digits of one kind
 * agree in all else.
 */
export function nearDuplicates(pictures: readonly Likeness[]): (readonly [number, number])[] {
  const high = Uint32Array.from(pictures, ({ hash }) => Number(hash >> 32n));
  const low = Uint32Array.from(pictures, ({ hash }) => Number(hash & 0xffffffffn));
  const details = pictures.map(({ thumbnail }) => detail(thumbnail));
  const pairs: (readonly [number, number])[] = [];
  const seen = new Set<number>();
  const look = (a: number, b: number) => {
    const [left, right] = [pictures[a], pictures[b]];
    if (left === undefined || right === undefined) return;
    const bits = popCount(at(high, a) ^ at(high, b)) + popCount(at(low, a) ^ at(low, b));
    const key = a * pictures.length + b;
    if (bits > furthestHash || seen.has(key)) return;
    seen.add(key);
    if (alike(left, right, details[a], details[b])) pairs.push([a, b]);
  };
  for (let turn = 0; turn < rotations; turn++) {
    const keys = Float64Array.from(pictures, ({ hash }) => Number(rotate(hash, turn)));
    const order = pictures.map((_, i) => i).sort((a, b) => at(keys, a) - at(keys, b) || a - b);
    for (let i = 0; i < order.length; i++) {
      for (let j = i + 1; j <= i + window && j < order.length; j++) {
        const [a, b] = [at(order, i), at(order, j)];
        look(Math.min(a, b), Math.max(a, b));
      }
    }
  }
  return pairs.sort((x, y) => x[0] - y[0] || x[1] - y[1]);
}

function alike(a: Likeness, b: Likeness, detailA?: Int8Array, detailB?: Int8Array): boolean {
  if (detailA === undefined || detailB === undefined) return false;
  return (
    Math.abs(Math.log(a.aspect / b.aspect)) <= furthestAspect &&
    chromaDistance(a.thumbnail, b.thumbnail) <= furthestChroma &&
    correlation(luma(a.thumbnail), luma(b.thumbnail)) >= leastToneCorrelation &&
    correlation(detailA, detailB) >= leastDetailCorrelation
  );
}

function luma(thumbnail: Uint8Array): Uint8Array {
  return thumbnail.subarray(0, lumaSide * lumaSide);
}

/**
 * The luma less its 5 x 5 mean, in units of the local contrast, as bytes (127 = 3 units);
 * undefined where there is nothing but noise.
 */
function detail(thumbnail: Uint8Array): Int8Array | undefined {
  const out = new Int8Array(lumaSide * lumaSide);
  let energy = 0;
  for (let y = 0; y < lumaSide; y++) {
    for (let x = 0; x < lumaSide; x++) {
      // The window stays centred at the border, where a mere ramp would pass for detail otherwise.
      const reachX = Math.min(2, x, lumaSide - 1 - x);
      const reachY = Math.min(2, y, lumaSide - 1 - y);
      let [sum, squares, count] = [0, 0, 0];
      for (let v = y - reachY; v <= y + reachY; v++) {
        for (let u = x - reachX; u <= x + reachX; u++) {
          const value = at(thumbnail, v * lumaSide + u);
          sum += value;
          squares += value * value;
          count++;
        }
      }
      const mean = sum / count;
      const local = Math.sqrt(Math.max(0, squares / count - mean * mean)) + noiseContrast;
      const value = (at(thumbnail, y * lumaSide + x) - mean) / local;
      energy += value * value;
      out[y * lumaSide + x] = Math.max(-127, Math.min(127, Math.round((127 * value) / 3)));
    }
  }
  return Math.sqrt(energy / out.length) < leastDetail ? undefined : out;
}

/** Pearson's correlation, 0 where either does not vary. */
function correlation(a: Int8Array | Uint8Array, b: Int8Array | Uint8Array): number {
  let [sumA, sumB, ab, aa, bb] = [0, 0, 0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [at(a, i), at(b, i)];
    sumA += x;
    sumB += y;
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  const varianceA = aa - (sumA * sumA) / a.length;
  const varianceB = bb - (sumB * sumB) / a.length;
  if (varianceA <= 0 || varianceB <= 0) return 0;
  return (ab - (sumA * sumB) / a.length) / Math.sqrt(varianceA * varianceB);
}

function chromaDistance(a: Uint8Array, b: Uint8Array): number {
  let sum = 0;
  for (let i = lumaSide * lumaSide; i < thumbnailLength; i++) sum += Math.abs(at(a, i) - at(b, i));
  return sum / (2 * chromaSide * chromaSide);
}

function at(values: ArrayLike<number>, index: number): number {
  return values[index] ?? 0;
}

function rotate(hash: bigint, bytes: number): bigint {
  const bits = BigInt(8 * bytes);
  return BigInt.asUintN(64, (hash << bits) | (hash >> (64n - bits)));
}

function popCount(value: number): number {
  let bits = value - ((value >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
