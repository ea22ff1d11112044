/** Linear warm-up from zero, then a cosine down to `floor` (Loshchilov and Hutter, SGDR, 2017). */
export interface Schedule {
  /** Highest learning rate, reached at the end of the warm-up. */
  readonly peak: number;
  /** Lowest learning rate, reached at the last step. */
  readonly floor: number;
  readonly warmupSteps: number;
  readonly totalSteps: number;
}

/** The learning rate of a step, counted from 0. Steps past the end get the floor. */
export function learningRateAt(schedule: Schedule, step: number): number {
  const { peak, floor, warmupSteps, totalSteps } = schedule;
  if (step < warmupSteps) return (peak * (step + 1)) / (warmupSteps + 1);
  const span = totalSteps - 1 - warmupSteps;
  if (span <= 0) return step < totalSteps ? peak : floor;
  const progress = Math.min(1, (step - warmupSteps) / span);
  return floor + (peak - floor) * 0.5 * (1 + Math.cos(Math.PI * progress));
}
