import { chromaSide, lumaSide, thumbnailLength } from "./thumbnail.ts";

/** What the search for near duplicates needs to know of one picture. */
export interface Likeness {
  readonly hash: bigint;
  readonly thumbnail: Uint8Array;
  /** Width by height. */
  readonly aspect: number;
}

/** Neighbours looked at on each side of a picture in each of the sorted orders. */
const window = 24;
const hashBits = 64n;
const rotation = 8n;
const furthestHash = 14;

/**
 * Pairs of pictures that are the same one resized, encoded again or slightly edited in tone.
 *
 * Candidates come from the sorted-neighbourhood method: the hashes are sorted eight times, each
 * time from another bit on, and only near neighbours are compared, so the time grows with
 * n log n (Hernandez and Stolfo, "The Merge/Purge Problem for Large Databases", 1995).
 * A candidate must then agree in shape, in tone, in colour and, decisively, in fine detail:
 * smooth gradients, uniform scans and digits of one kind agree in all but the last.
 */
export function nearDuplicates(pictures: readonly Likeness[]): (readonly [number, number])[] {
  const details = pictures.map(({ thumbnail }) => compact(detail(thumbnail)));
  const pairs: (readonly [number, number])[] = [];
  const seen = new Set<number>();
  for (let turn = 0n; turn < hashBits; turn += rotation) {
    const keys = pictures.map(({ hash }) => rotate(hash, turn));
    const order = pictures
      .map((_, index) => index)
      .sort((a, b) => compare(keys[a] ?? 0n, keys[b] ?? 0n) || a - b);
    order.forEach((first, position) => {
      for (const second of order.slice(position + 1, position + 1 + window)) {
        const [a, b] = first < second ? [first, second] : [second, first];
        const [left, right] = [pictures[a], pictures[b]];
        if (left === undefined || right === undefined) continue;
        if (distance(left.hash, right.hash) > furthestHash) continue;
        const key = a * pictures.length + b;
        if (seen.has(key)) continue;
        seen.add(key);
        if (alike(left, right, details[a], details[b])) pairs.push([a, b]);
      }
    });
  }
  return pairs;
}

const leastToneCorrelation = 0.97;
const leastDetailCorrelation = 0.93;
const furthestAspect = 0.05;
const furthestChroma = 6;
/** Below this standard deviation (of 255 levels) fine detail is rounding noise and proves nothing. */
const leastDetail = 1;

function alike(a: Likeness, b: Likeness, detailA?: Int8Array, detailB?: Int8Array): boolean {
  if (detailA === undefined || detailB === undefined) return false;
  return (
    Math.abs(Math.log(a.aspect / b.aspect)) <= furthestAspect &&
    chromaDistance(a.thumbnail, b.thumbnail) <= furthestChroma &&
    correlation(detailA, detailB) >= leastDetailCorrelation &&
    correlation(luma(a.thumbnail), luma(b.thumbnail)) >= leastToneCorrelation
  );
}

function luma(thumbnail: Uint8Array): Uint8Array {
  return thumbnail.subarray(0, lumaSide * lumaSide);
}

/** The luma less its 5 x 5 mean. */
function detail(thumbnail: Uint8Array): Float64Array {
  const out = new Float64Array(lumaSide * lumaSide);
  for (let y = 0; y < lumaSide; y++) {
    for (let x = 0; x < lumaSide; x++) {
      let sum = 0;
      let count = 0;
      for (let v = Math.max(0, y - 2); v <= Math.min(lumaSide - 1, y + 2); v++) {
        for (let u = Math.max(0, x - 2); u <= Math.min(lumaSide - 1, x + 2); u++) {
          sum += thumbnail[v * lumaSide + u] ?? 0;
          count++;
        }
      }
      out[y * lumaSide + x] = (thumbnail[y * lumaSide + x] ?? 0) - sum / count;
    }
  }
  return out;
}

/** A byte a value, scaled to the largest; undefined where there is no detail to speak of. */
function compact(values: Float64Array): Int8Array | undefined {
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const squares = values.reduce((sum, value) => sum + value * value, 0);
  if (Math.sqrt(squares / values.length) < leastDetail) return undefined;
  return Int8Array.from(values, (value) => Math.round((127 * value) / largest));
}

/** Pearson's correlation, 0 where either does not vary. */
function correlation(a: Int8Array | Uint8Array, b: Int8Array | Uint8Array): number {
  const [meanA, meanB] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [(a[i] ?? 0) - meanA, (b[i] ?? 0) - meanB];
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return aa === 0 || bb === 0 ? 0 : ab / Math.sqrt(aa * bb);
}

function mean(values: Int8Array | Uint8Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

function chromaDistance(a: Uint8Array, b: Uint8Array): number {
  let sum = 0;
  for (let i = lumaSide * lumaSide; i < thumbnailLength; i++) {
    sum += Math.abs((a[i] ?? 0) - (b[i] ?? 0));
  }
  return sum / (2 * chromaSide * chromaSide);
}

function rotate(hash: bigint, turn: bigint): bigint {
  return BigInt.asUintN(64, (hash << turn) | (hash >> (hashBits - turn)));
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function distance(a: bigint, b: bigint): number {
  const different = a ^ b;
  return popCount(Number(different & 0xffffffffn)) + popCount(Number(different >> 32n));
}

function popCount(value: number): number {
  let bits = value - ((value >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
