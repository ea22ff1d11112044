/** A checkpoint that costs more than this share of the interval waits longer. */
const dueShare = 0.02;
/** The longest wait, in intervals: what may be lost counts for more than what a checkpoint costs. */
const longest = 1.25;
/** At the end of an epoch a checkpoint comes early where it costs at most this share. */
const earlyShare = 0.01;

/** Decides when a checkpoint is worth its time. Times in milliseconds. */
export interface CheckpointTimer {
  /** Inside an epoch: once the interval has passed. At its end: as soon as the cost allows. */
  due(now: number, epochEnded: boolean): boolean;
  wrote(from: number, to: number): void;
}

export function checkpointTimer(interval: number, start: number): CheckpointTimer {
  let last = start;
  let cost = 0;
  return {
    due(now, epochEnded) {
      const latest = Math.min(Math.max(interval, cost / dueShare), longest * interval);
      return now - last >= (epochEnded ? Math.min(latest, cost / earlyShare) : latest);
    },
    wrote(from, to) {
      last = to;
      cost = to - from;
    },
  };
}
