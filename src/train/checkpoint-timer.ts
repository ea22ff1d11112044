/** At the end of an epoch a checkpoint may cost this share of the time since the last one. */
const costShare = 0.02;

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
    due: (now, epochEnded) =>
      now - last >= (epochEnded ? Math.min(interval, cost / costShare) : interval),
    wrote(from, to) {
      last = to;
      cost = to - from;
    },
  };
}
