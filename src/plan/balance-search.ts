import { z } from "zod";
import { augmentationStrength } from "../data/view.ts";
import { type Comparison, compare } from "./compare.ts";

/** One way to train that competes: where to thaw, how much to augment, how fast to learn. */
export const arm = z.object({
  id: z.int().nonnegative(),
  /** Index into the candidate thaw points; higher trains fewer layers. */
  thawIndex: z.int().nonnegative(),
  augmentation: augmentationStrength,
  learningRate: z.number().positive(),
});
export type Arm = z.infer<typeof arm>;

/** One stage of successive halving: every surviving arm, this many folds, this share of the epochs. */
export const rung = z.object({
  folds: z.int().positive(),
  epochsShare: z.number().positive().max(1),
});
export type Rung = z.infer<typeof rung>;

/** What to run next: one arm on one fold. */
export const trial = z.object({
  arm,
  rung: z.int().nonnegative(),
  fold: z.int().nonnegative(),
  epochsShare: z.number().positive().max(1),
});
export type Trial = z.infer<typeof trial>;

export const trialResult = z.object({
  arm: z.int().nonnegative(),
  rung: z.int().nonnegative(),
  fold: z.int().nonnegative(),
  /** Validation loss of every picture of the fold, in the fold's order; empty if it diverged. */
  losses: z.array(z.number()),
  seconds: z.number().nonnegative(),
});
export type TrialResult = z.infer<typeof trialResult>;

/** Everything the search knows; JSON, so that it can be journalled and resumed. */
export const searchState = z.object({
  arms: z.array(arm).min(1),
  rungs: z.array(rung).min(1),
  /** Index of the candidate that trains the classifier only; its arms are never dropped. */
  headIndex: z.int().nonnegative(),
  /** Time for all trials; absent for no limit. */
  budgetSeconds: z.number().positive().optional(),
  rung: z.int().nonnegative(),
  /** Arms still in the race, in the order they are tried. */
  alive: z.array(z.int().nonnegative()),
  /** What would have been chosen after each finished rung. */
  choices: z.array(z.int().nonnegative()),
  results: z.array(trialResult),
  finished: z.enum(["settled", "complete", "time"]).nullable(),
});
export type SearchState = z.infer<typeof searchState>;

export type Step =
  | { readonly kind: "trial"; readonly trial: Trial }
  | {
      readonly kind: "done";
      readonly choice: Arm;
      readonly reason: "settled" | "complete" | "time";
    };

/** Each rung keeps this share of its arms (Jamieson and Talwalkar, 2016; Li et al., Hyperband, 2018). */
const keptShare = 1 / 3;

/** Begins a search; `arms` in the order they should be tried, the most likely first. */
export function startSearch(options: {
  readonly arms: readonly Arm[];
  readonly rungs: readonly Rung[];
  readonly headIndex: number;
  readonly budgetSeconds?: number;
}): SearchState {
  return {
    arms: [...options.arms],
    rungs: [...options.rungs],
    headIndex: options.headIndex,
    ...(options.budgetSeconds === undefined ? {} : { budgetSeconds: options.budgetSeconds }),
    rung: 0,
    alive: options.arms.map(({ id }) => id),
    choices: [],
    results: [],
    finished: null,
  };
}

/**
 * The next trial, or the end. The search ends early when two rungs in a row choose the same arm
 * (`settled`), and when the next trial would not fit the time budget (`time`).
 */
export function next(state: SearchState): Step {
  const trial = state.finished === null ? pending(state) : undefined;
  if (trial === undefined) {
    return { kind: "done", choice: choose(state), reason: state.finished ?? "complete" };
  }
  const { budgetSeconds } = state;
  const overdue = budgetSeconds !== undefined && spent(state) + cost(state, trial) > budgetSeconds;
  return overdue
    ? { kind: "done", choice: choose(state), reason: "time" }
    : { kind: "trial", trial };
}

/** The state after a trial; the arms of a finished rung are halved. */
export function record(state: SearchState, result: TrialResult): SearchState {
  const diverged = result.losses.length === 0;
  const after: SearchState = {
    ...state,
    results: [...state.results, result],
    alive: diverged ? state.alive.filter((id) => id !== result.arm) : state.alive,
  };
  return pending(after) === undefined ? climb(after) : after;
}

function climb(state: SearchState): SearchState {
  const ranked = rank(state, state.rung);
  const choice = choose(state).id;
  const choices = [...state.choices, choice];
  const settled = choices.length > 1 && choices.at(-2) === choice;
  const last = state.rung === state.rungs.length - 1;
  if (settled || last || ranked.length <= 1) {
    return { ...state, choices, finished: last ? "complete" : "settled" };
  }
  const kept = new Set(ranked.slice(0, Math.max(2, Math.ceil(ranked.length * keptShare))));
  const survives = (id: number) => kept.has(id) || id === choice || isHead(state, id);
  return { ...state, choices, rung: state.rung + 1, alive: state.alive.filter(survives) };
}

/**
 * The arm the results so far speak for, by the one-standard-error rule (Breiman et al., CART,
 * 1984): of all arms not worse than the best by more than a standard error of their paired
 * difference, the one that trains the fewest layers. Judged at the last rung that is complete for
 * more than one arm; before any result, the first arm.
 */
export function choose(state: SearchState): Arm {
  for (let level = state.rung; level >= 0; level--) {
    const ranked = rank(state, level);
    const [best] = ranked;
    if (best === undefined || (ranked.length < 2 && level > 0)) continue;
    const close = ranked.filter((id) => {
      const { difference, standardError } = comparison(state, level, id, best);
      return difference <= standardError;
    });
    const fewest = Math.max(...close.map((id) => armOf(state, id).thawIndex));
    const chosen = close.find((id) => armOf(state, id).thawIndex === fewest);
    return armOf(state, chosen ?? best);
  }
  return armOf(state, state.alive[0] ?? state.arms[0]?.id ?? 0);
}

/** Mean validation loss of every arm that finished a rung, with its standard error over folds. */
export function standings(
  state: SearchState,
  level: number,
): { readonly arm: Arm; readonly folds: number[] }[] {
  return rank(state, level).map((id) => ({
    arm: armOf(state, id),
    folds: resultsOf(state, level, id).map(({ losses }) => mean(losses)),
  }));
}

/** Arms that finished a rung without diverging, best first. */
function rank(state: SearchState, level: number): number[] {
  const folds = state.rungs[level]?.folds ?? 0;
  return state.arms
    .map(({ id }) => ({ id, results: resultsOf(state, level, id) }))
    .filter(({ results }) => results.length === folds)
    .map(({ id, results }) => ({ id, loss: mean(results.flatMap(({ losses }) => losses)) }))
    .sort((a, b) => a.loss - b.loss || a.id - b.id)
    .map(({ id }) => id);
}

function comparison(state: SearchState, level: number, a: number, b: number): Comparison {
  const losses = (id: number) => resultsOf(state, level, id).flatMap((result) => result.losses);
  return compare(losses(a), losses(b));
}

function resultsOf(state: SearchState, level: number, id: number): TrialResult[] {
  return state.results
    .filter(({ arm, rung, losses }) => arm === id && rung === level && losses.length > 0)
    .sort((a, b) => a.fold - b.fold);
}

/** The first trial of the current rung without a result; arms of one cut follow each other. */
function pending(state: SearchState): Trial | undefined {
  const level = state.rungs[state.rung];
  if (level === undefined) return undefined;
  for (const id of state.alive) {
    for (let fold = 0; fold < level.folds; fold++) {
      const done = state.results.some(
        (result) => result.arm === id && result.rung === state.rung && result.fold === fold,
      );
      if (!done) {
        return { arm: armOf(state, id), rung: state.rung, fold, epochsShare: level.epochsShare };
      }
    }
  }
  return undefined;
}

function spent(state: SearchState): number {
  return state.results.reduce((total, { seconds }) => total + seconds, 0);
}

/** What a trial will take, from the nearest cut tried so far; 0 while nothing is known. */
function cost(state: SearchState, { arm: wanted, epochsShare }: Trial): number {
  const known = state.results
    .map((result) => ({
      distance: Math.abs(armOf(state, result.arm).thawIndex - wanted.thawIndex),
      seconds: (result.seconds * epochsShare) / (state.rungs[result.rung]?.epochsShare ?? 1),
    }))
    .sort((a, b) => a.distance - b.distance);
  return known[0]?.seconds ?? 0;
}

function isHead(state: SearchState, id: number): boolean {
  return armOf(state, id).thawIndex === state.headIndex;
}

function armOf(state: SearchState, id: number): Arm {
  const found = state.arms.find((one) => one.id === id);
  if (found === undefined) throw new RangeError(`no arm ${id} takes part in this search`);
  return found;
}

function mean(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / Math.max(1, values.length);
}
