/** Times the parts of a job. */
export interface Stopwatch {
  /** Ends a part; the time since the last lap is counted to it. */
  lap(part: string): void;
  /** Seconds by part, in the order they ended. */
  readonly parts: Readonly<Record<string, number>>;
  /** Seconds since the start. */
  total(): number;
}

export function startStopwatch(): Stopwatch {
  const started = performance.now();
  const parts: Record<string, number> = {};
  let last = started;
  return {
    parts,
    lap(part) {
      const now = performance.now();
      parts[part] = (parts[part] ?? 0) + (now - last) / 1000;
      last = now;
    },
    total: () => (performance.now() - started) / 1000,
  };
}
