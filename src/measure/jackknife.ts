/**
 * Standard error of a statistic by leaving out one group of pictures at a time
 * (Efron and Stein, 1981).
 * @param statistic the figure computed without group `0 .. groups - 1`
 */
export function jackknife(groups: number, statistic: (without: number) => number): number {
  const values = Array.from({ length: groups }, (_, group) => statistic(group));
  const mean = values.reduce((total, value) => total + value, 0) / groups;
  const spread = values.reduce((total, value) => total + (value - mean) ** 2, 0);
  return Math.sqrt(((groups - 1) / groups) * spread);
}
