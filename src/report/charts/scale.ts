/** Maps data to pixels, straight. */
export type Scale = (value: number) => number;

/** A straight scale from `[from, to]` in data to `[start, end]` in pixels. */
export function linear(from: number, to: number, start: number, end: number): Scale {
  const span = to === from ? 1 : to - from;
  return (value) => start + ((value - from) / span) * (end - start);
}

/** About `count` round numbers covering `[low, high]` (1, 2 or 5 times a power of ten apart). */
export function ticks(low: number, high: number, count: number): number[] {
  const rough = (high - low || 1) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((unit) => unit * power).find((unit) => unit >= rough) ?? rough;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step);
}

/** A tick's label without trailing noise. */
export function tickLabel(value: number): string {
  return String(Number(value.toPrecision(6)));
}
