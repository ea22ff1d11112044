/** A share of 0..1 as a percentage with one decimal, `94.1 %`. */
export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** A share of 0..1 as a whole percentage, for the ticks of a chart. */
export function wholePercent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** How sure a measurement is, 0..1, as a whole percentage: never above `99 %`. */
export function certainty(share: number): string {
  return wholePercent(Math.min(0.99, share));
}

/** A model's probability as a percentage with one decimal: never above `99.9 %`. */
export function probability(share: number): string {
  return percent(Math.min(0.999, share));
}

/** A whole number with thin spaces between thousands. */
export function count(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, "\u2009");
}

/** A duration for people: `0.8 s`, `42 s`, `3 min 20 s`. */
export function duration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 120) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  return minutes < 60
    ? `${minutes} min ${whole % 60} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A noun with its number: `1 picture`, `3 pictures`. */
export function plural(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? "" : noun.endsWith("s") ? "es" : "s"}`;
}
