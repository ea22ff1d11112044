/** How far a job had come after how long. */
export interface Moment {
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** On the held-out pictures, 0 to 1. */
  readonly accuracy: number;
}

/** Both sides' way through one job: Thaw's one result, PyTorch's state after every epoch. */
export interface Pair {
  readonly thaw: Moment;
  readonly torch: readonly Moment[];
}

/** One quantity by wall clock and by processor time. */
export interface Times {
  readonly wall: number;
  readonly cpu: number;
}

export interface Comparison {
  /** PyTorch's accuracy at its best epoch and after its last. */
  readonly best: number;
  readonly last: number;
  /** Until PyTorch first was as good as the better side's equal: the lower of Thaw's accuracy and PyTorch's best. */
  readonly toSame: Times;
  /** Until PyTorch first reached its own best accuracy. */
  readonly toBest: Times;
  /** Until PyTorch's last epoch ended. */
  readonly toEnd: Times;
  /** Whether Thaw's accuracy is at least what PyTorch ended with, and at least its best. */
  readonly reachedLast: boolean;
  readonly reachedBest: boolean;
}

/**
 * When PyTorch was where. Every epoch is judged on the held-out pictures themselves, so the
 * first epoch that touches an accuracy counts even where the next one falls back: a choice in
 * PyTorch's favour.
 */
export function compare({ thaw, torch }: Pair): Comparison {
  const best = Math.max(...torch.map(({ accuracy }) => accuracy));
  const last = torch.at(-1);
  if (last === undefined) throw new RangeError("PyTorch ran no epoch");
  const first = (target: number) => times(torch.find(({ accuracy }) => accuracy >= target) ?? last);
  return {
    best,
    last: last.accuracy,
    toSame: first(Math.min(thaw.accuracy, best)),
    toBest: first(best),
    toEnd: times(last),
    reachedLast: thaw.accuracy >= last.accuracy,
    reachedBest: thaw.accuracy >= best,
  };
}

export function times({ seconds, cpuSeconds }: Moment): Times {
  return { wall: seconds, cpu: cpuSeconds };
}

/** The middle value; of an even count the upper one of the two. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
