import type { RgbImage } from "./dataset.ts";

/** Side of the luma plane and of the two chroma planes of a thumbnail, in pixels. */
export const lumaSide = 32;
export const chromaSide = 8;

/** Bytes of a thumbnail: 32 x 32 luma, then 8 x 8 Cb, then 8 x 8 Cr. */
export const thumbnailLength = lumaSide * lumaSide + 2 * chromaSide * chromaSide;

/**
 * A picture squashed to a small YCbCr square by area averaging (JFIF weights), for comparing
 * pictures without opening them again.
 */
export function thumbnail(image: RgbImage): Uint8Array {
  const rgb = areaAverage(image);
  const out = new Uint8Array(thumbnailLength);
  const area = lumaSide * lumaSide;
  const cb = new Float64Array(chromaSide * chromaSide);
  const cr = new Float64Array(chromaSide * chromaSide);
  const block = lumaSide / chromaSide;
  for (let i = 0; i < area; i++) {
    const [r, g, b] = [rgb[3 * i] ?? 0, rgb[3 * i + 1] ?? 0, rgb[3 * i + 2] ?? 0];
    const luma = 0.299 * r + 0.587 * g + 0.114 * b;
    out[i] = Math.round(luma);
    const row = Math.floor(i / lumaSide / block);
    const cell = row * chromaSide + Math.floor((i % lumaSide) / block);
    cb[cell] = (cb[cell] ?? 0) + 0.564 * (b - luma);
    cr[cell] = (cr[cell] ?? 0) + 0.713 * (r - luma);
  }
  for (let i = 0; i < cb.length; i++) {
    out[area + i] = clampByte(128 + (cb[i] ?? 0) / block ** 2);
    out[area + cb.length + i] = clampByte(128 + (cr[i] ?? 0) / block ** 2);
  }
  return out;
}

/** Standard deviation of the luma over all pixels, 0 to 127.5: near 0 for a blank picture. */
export function contrast(image: RgbImage): number {
  const { data } = image;
  let sum = 0;
  let squares = 0;
  for (let i = 0; i + 2 < data.length; i += 3) {
    const luma = 0.299 * (data[i] ?? 0) + 0.587 * (data[i + 1] ?? 0) + 0.114 * (data[i + 2] ?? 0);
    sum += luma;
    squares += luma * luma;
  }
  const count = data.length / 3;
  return Math.sqrt(Math.max(0, squares / count - (sum / count) ** 2));
}

/** The picture averaged over 32 x 32 cells, interleaved RGB. */
function areaAverage({ data, width, height }: RgbImage): Float64Array {
  const out = new Float64Array(3 * lumaSide * lumaSide);
  const across = overlaps(width);
  overlaps(height).forEach(({ first, shares }, y) => {
    shares.forEach((share, i) => {
      addRow(data, 3 * (first + i) * width, across, share, out, 3 * lumaSide * y);
    });
  });
  return out;
}

/** Adds a row's averages over the cells, `share` of them, to the row of cells at `offset`. */
function addRow(
  data: Uint8Array,
  start: number,
  across: readonly Overlap[],
  share: number,
  out: Float64Array,
  offset: number,
): void {
  across.forEach(({ first, shares }, x) => {
    let [red, green, blue] = [0, 0, 0];
    for (let i = 0, at = start + 3 * first; i < shares.length; i++, at += 3) {
      const own = shares[i] ?? 0;
      red += own * (data[at] ?? 0);
      green += own * (data[at + 1] ?? 0);
      blue += own * (data[at + 2] ?? 0);
    }
    const cell = offset + 3 * x;
    out[cell] = (out[cell] ?? 0) + share * red;
    out[cell + 1] = (out[cell + 1] ?? 0) + share * green;
    out[cell + 2] = (out[cell + 2] ?? 0) + share * blue;
  });
}

/** The source pixels a cell covers, from `first` on, and the share each has in it. */
interface Overlap {
  readonly first: number;
  readonly shares: Float64Array;
}

function overlaps(length: number): Overlap[] {
  const step = length / lumaSide;
  return Array.from({ length: lumaSide }, (_, cell) => {
    const [start, end] = [cell * step, (cell + 1) * step];
    const first = Math.floor(start);
    const last = Math.min(length, Math.ceil(end));
    const shares = Float64Array.from({ length: last - first }, (_, i) => {
      const source = first + i;
      return (Math.min(source + 1, end) - Math.max(source, start)) / step;
    });
    return { first, shares };
  });
}

function clampByte(value: number): number {
  return Math.min(255, Math.max(0, Math.round(value)));
}
