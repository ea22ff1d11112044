/** A smooth function's value and gradient at a point. */
export interface Evaluation {
  readonly value: number;
  readonly gradient: Float64Array;
}

export interface LbfgsOptions {
  readonly maxIterations: number;
  /** Stops once the largest gradient entry is at most this. */
  readonly gradientTolerance: number;
  /** Stops once a step lowers the value by less than this share of it. */
  readonly valueTolerance: number;
}

export interface Minimum extends Evaluation {
  readonly point: Float64Array;
  readonly iterations: number;
}

/** Past steps kept: more save few iterations and cost two vectors of the point's size each. */
const memory = 6;
/** Share of the first-order decrease a step must reach (Armijo). */
const sufficient = 1e-4;

interface Correction {
  readonly step: Float64Array;
  readonly change: Float64Array;
  /** Their inner product. */
  readonly curvature: number;
}

/** A minimisation between two iterations: everything the next one takes in. */
export interface LbfgsState extends Minimum {
  /** Oldest first. */
  readonly corrections: readonly Correction[];
}

/**
 * Limited-memory BFGS with a backtracking line search
 * (Nocedal and Wright, Numerical Optimization, 2006, algorithms 7.4 and 3.1).
 * Updates of non-positive curvature are skipped, so the search direction always descends.
 * @param start a point, or the state of a minimisation to go on with, to the same bytes
 * @param onIteration is awaited with the state after every iteration but the last
 */
export async function minimise(
  evaluate: (point: Float64Array) => Promise<Evaluation>,
  start: Float64Array | LbfgsState,
  options: LbfgsOptions,
  onIteration?: (state: LbfgsState) => Promise<void>,
): Promise<Minimum> {
  const begun =
    start instanceof Float64Array
      ? { ...(await evaluate(start)), point: start, iterations: 0, corrections: [] }
      : start;
  const corrections = [...begun.corrections];
  let { point, iterations } = begun;
  let here: Evaluation = { value: begun.value, gradient: begun.gradient };
  while (iterations < options.maxIterations && largest(here.gradient) > options.gradientTolerance) {
    const direction = descend(here.gradient, corrections);
    const slope = dot(here.gradient, direction);
    const first = corrections.length === 0 ? Math.min(1, 1 / norm(here.gradient)) : 1;
    const found = await lineSearch(evaluate, point, here.value, direction, slope, first);
    if (found === undefined) break;
    iterations++;
    const step = combine(found.point, point, -1);
    const change = combine(found.there.gradient, here.gradient, -1);
    const curvature = dot(step, change);
    if (curvature > 1e-10 * dot(change, change)) {
      corrections.push({ step, change, curvature });
      if (corrections.length > memory) corrections.shift();
    }
    const decrease = here.value - found.there.value;
    point = found.point;
    here = found.there;
    if (decrease <= options.valueTolerance * Math.max(Math.abs(here.value), 1e-12)) break;
    await onIteration?.({ ...here, point, iterations, corrections: [...corrections] });
  }
  return { ...here, point, iterations };
}

async function lineSearch(
  evaluate: (point: Float64Array) => Promise<Evaluation>,
  from: Float64Array,
  value: number,
  direction: Float64Array,
  slope: number,
  first: number,
): Promise<{ point: Float64Array; there: Evaluation } | undefined> {
  let length = first;
  for (let tries = 0; tries < 25; tries++) {
    const point = combine(from, direction, length);
    const there = await evaluate(point);
    if (there.value <= value + sufficient * length * slope) return { point, there };
    // The minimum of the parabola through both values and the slope, kept within bounds.
    const parabola = (-slope * length * length) / (2 * (there.value - value - slope * length));
    length = Number.isFinite(parabola)
      ? Math.min(0.5 * length, Math.max(0.1 * length, parabola))
      : 0.1 * length;
  }
  return undefined;
}

/** The two-loop recursion: minus the approximate inverse Hessian times the gradient. */
function descend(gradient: Float64Array, corrections: readonly Correction[]): Float64Array {
  const direction = gradient.map((value) => -value);
  const shares = corrections.map(() => 0);
  for (let i = corrections.length - 1; i >= 0; i--) {
    const correction = corrections[i];
    if (correction === undefined) continue;
    const share = dot(correction.step, direction) / correction.curvature;
    shares[i] = share;
    accumulate(direction, correction.change, -share);
  }
  const last = corrections.at(-1);
  if (last !== undefined) {
    const scale = last.curvature / dot(last.change, last.change);
    for (let i = 0; i < direction.length; i++) direction[i] = (direction[i] ?? 0) * scale;
  }
  corrections.forEach((correction, i) => {
    const share = dot(correction.change, direction) / correction.curvature;
    accumulate(direction, correction.step, (shares[i] ?? 0) - share);
  });
  return direction;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

function norm(a: Float64Array): number {
  return Math.sqrt(dot(a, a));
}

function largest(a: Float64Array): number {
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i] ?? 0));
  return most;
}

function accumulate(target: Float64Array, other: Float64Array, factor: number): void {
  for (let i = 0; i < target.length; i++) target[i] = (target[i] ?? 0) + factor * (other[i] ?? 0);
}

function combine(a: Float64Array, b: Float64Array, factor: number): Float64Array {
  const result = a.slice();
  accumulate(result, b, factor);
  return result;
}
