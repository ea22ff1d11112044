/** Times the parts of a job. */
export interface Stopwatch {
  /** Ends a part; the time since the last lap is counted to it. */
  lap(part: string): void;
  /** Seconds by part, in the order they first ended. */
  readonly parts: Readonly<Record<string, number>>;
  /** Seconds of all parts and since the last lap. */
  total(): number;
}

/** @param before seconds by part that earlier processes spent on the same job */
export function startStopwatch(before: Readonly<Record<string, number>> = {}): Stopwatch {
  const parts: Record<string, number> = { ...before };
  let last = performance.now();
  const sinceLap = () => (performance.now() - last) / 1000;
  return {
    parts,
    lap(part) {
      parts[part] = (parts[part] ?? 0) + sinceLap();
      last = performance.now();
    },
    total: () => Object.values(parts).reduce((sum, seconds) => sum + seconds, sinceLap()),
  };
}
