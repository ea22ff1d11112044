import { lumaSide } from "./thumbnail.ts";

/**
 * 64 bits that stay nearly the same when a picture is resized or encoded again: the signs of
 * the lowest frequencies of the thumbnail's cosine transform, lowest first.
 * Source: C. Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions" (2010);
 * signs instead of the median, so that each bit stands alone.
 * @param thumbnail as `thumbnail()` makes it
 */
export function perceptualHash(thumbnail: Uint8Array): bigint {
  const rows = transformedRows(thumbnail);
  let hash = 0n;
  for (const [u, v] of frequencies) {
    let sum = 0;
    for (let y = 0; y < lumaSide; y++) {
      sum += (rows[u * lumaSide + y] ?? 0) * (cosines[v * lumaSide + y] ?? 0);
    }
    hash = (hash << 1n) | (sum > 0 ? 1n : 0n);
  }
  return hash;
}

/** Cosine transform along the rows, [frequency, row]. */
function transformedRows(thumbnail: Uint8Array): Float64Array {
  const out = new Float64Array((highest + 1) * lumaSide);
  for (let u = 0; u <= highest; u++) {
    for (let y = 0; y < lumaSide; y++) {
      let sum = 0;
      for (let x = 0; x < lumaSide; x++) {
        sum += (thumbnail[y * lumaSide + x] ?? 0) * (cosines[u * lumaSide + x] ?? 0);
      }
      out[u * lumaSide + y] = sum;
    }
  }
  return out;
}

const cosines = Float64Array.from({ length: lumaSide * lumaSide }, (_, i) => {
  const [frequency, position] = [Math.floor(i / lumaSide), i % lumaSide];
  return Math.cos((Math.PI * frequency * (position + 0.5)) / lumaSide);
});

const frequencies = Array.from({ length: 256 }, (_, i) => [i % 16, Math.floor(i / 16)] as const)
  .filter(([u, v]) => u + v > 0)
  .sort((a, b) => a[0] + a[1] - (b[0] + b[1]) || a[0] - b[0])
  .slice(0, 64);

const highest = Math.max(...frequencies.map(([u]) => u));
