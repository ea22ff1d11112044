import { z } from "zod";
import { augmentationStrength } from "../data/view.ts";
import { type Comparison, clearly, compare } from "./compare.ts";

/** One way to train that competes: where to thaw, how much to augment, how fast to learn. */
export const arm = z.object({
  id: z.int().nonnegative(),
  /** Index into the candidate thaw points; higher trains fewer layers. */
  thawIndex: z.int().nonnegative(),
  augmentation: augmentationStrength,
  learningRate: z.number().positive(),
  /** Work of one trial, relative to one full fine-tuning of the same data. */
  work: z.number().nonnegative(),
});
export type Arm = z.infer<typeof arm>;

/** What to run next: one arm, judged on one fold and trained on the others. */
export interface Trial {
  readonly arm: Arm;
  readonly fold: number;
  /** Share of the epochs of a whole training. */
  readonly epochsShare: number;
}

export const trialResult = z.object({
  arm: z.int().nonnegative(),
  fold: z.int().nonnegative(),
  /** Validation loss of every picture of the fold, in the fold's order; empty if it diverged. */
  losses: z.array(z.number()),
  seconds: z.number().nonnegative(),
});
export type TrialResult = z.infer<typeof trialResult>;

/** Everything the search knows; JSON, so that it can be journalled and resumed. */
export const searchState = z.object({
  arms: z.array(arm).min(1),
  epochsShare: z.number().positive().max(1),
  /** Folds that the arms still in the race have been judged on at the end of each rung, rising. */
  rungs: z.array(z.int().positive()).min(1),
  /** Index of the candidate that trains the classifier only; its arms are never dropped. */
  headIndex: z.int().nonnegative(),
  /** Work that all trials together may take, relative to one full fine-tuning. */
  budget: z.number().positive(),
  /** Time for all trials; absent for no limit. Choices then depend on the machine's speed. */
  budgetSeconds: z.number().positive().optional(),
  rung: z.int().nonnegative(),
  /** Arms still in the race, in the order they are tried. */
  alive: z.array(z.int().nonnegative()),
  /** What would have been chosen after each finished rung. */
  choices: z.array(z.int().nonnegative()),
  results: z.array(trialResult),
  finished: z.enum(["settled", "complete"]).nullable(),
});
export type SearchState = z.infer<typeof searchState>;

export type Step =
  | { readonly kind: "trial"; readonly trial: Trial }
  | {
      readonly kind: "done";
      readonly choice: Arm;
      readonly reason: "settled" | "complete" | "budget";
    };

/** Each rung keeps this share of its arms (Jamieson and Talwalkar, 2016; Li et al., Hyperband, 2018). */
const keptShare = 1 / 3;

/**
 * Begins a search; `arms` in the order they should be tried: the classifier only, then the arm that
 * must not be far worse than it for any other to be tried, then the most likely first.
 */
export function startSearch(
  options: Pick<
    SearchState,
    "arms" | "epochsShare" | "rungs" | "headIndex" | "budget" | "budgetSeconds"
  >,
): SearchState {
  return {
    ...options,
    rung: 0,
    alive: options.arms.map(({ id }) => id),
    choices: [],
    results: [],
    finished: null,
  };
}

/**
 * The next trial, or the end. The search ends early when two rungs in a row choose the same arm
 * or the gate stays shut (`settled`), and when the next trial would not fit the budget.
 */
export function next(state: SearchState): Step {
  const trial = state.finished === null ? pending(state) : undefined;
  if (trial === undefined) {
    return { kind: "done", choice: choose(state), reason: state.finished ?? "complete" };
  }
  return affordable(state, trial)
    ? { kind: "trial", trial }
    : { kind: "done", choice: choose(state), reason: "budget" };
}

/** The state after a trial; the arms of a finished rung are halved. */
export function record(state: SearchState, result: TrialResult): SearchState {
  const diverged = result.losses.length === 0;
  const after: SearchState = {
    ...state,
    results: [...state.results, result],
    alive: diverged ? state.alive.filter((id) => id !== result.arm) : state.alive,
  };
  if (after.results.length === 2 && gateIsShut(after)) {
    return { ...after, finished: "settled" };
  }
  return pending(after) === undefined ? climb(after) : after;
}

/**
 * Standard errors by which an arm that trains any layer must be worse than the classifier alone to
 * count as worse. More than between other arms: a trial trains on fewer pictures and for fewer
 * epochs than the training itself will, which holds back every arm but the classifier.
 */
const beyondDoubt = 3;

function gateIsShut(state: SearchState): boolean {
  const [head, first] = state.results;
  if (head === undefined || first === undefined || !isHead(state, head.arm)) return false;
  if (first.losses.length === 0) return true;
  const { difference, standardError } = compareArms(state, first.arm, head.arm, 1);
  return difference > beyondDoubt * standardError;
}

function climb(state: SearchState): SearchState {
  const ranked = rank(state, foldsOf(state, state.rung));
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
 * The arm the results so far speak for. As in the one-standard-error rule (Breiman et al., CART,
 * 1984), but with two, or three against the classifier alone, all arms count as good as the best
 * that are not clearly worse than it by their paired difference; of these it is the one that trains the most layers, then the one tried
 * first. Over data sets and amounts that lost the least (`docs/decision.md`): at a low rate that
 * falls towards the front, from the linear probe and for a short schedule, thawing more overfits
 * less than the table fears. Judged on the most folds that more than one arm has seen; before any
 * result, the first arm.
 */
export function choose(state: SearchState): Arm {
  for (let folds = foldsOf(state, state.rung); folds >= 1; folds--) {
    const ranked = rank(state, folds);
    const [best] = ranked;
    if (best === undefined || (ranked.length < 2 && folds > 1)) continue;
    const trained = ranked.find((id) => !isHead(state, id)) ?? best;
    const holdsUp = (id: number, rival: number, margin: number) => {
      const { difference, standardError } = compareArms(state, id, rival, folds);
      return difference <= margin * standardError;
    };
    const close = ranked.filter((id) =>
      isHead(state, id)
        ? holdsUp(id, best, clearly)
        : holdsUp(id, trained, clearly) &&
          holdsUp(id, best, isHead(state, best) ? beyondDoubt : clearly),
    );
    const [chosen = best] = close.sort(
      (a, b) => armOf(state, a).thawIndex - armOf(state, b).thawIndex || a - b,
    );
    return armOf(state, chosen);
  }
  return armOf(state, state.alive[0] ?? state.arms[0]?.id ?? 0);
}

/**
 * Validation loss of the choice minus that of the arm that thaws at `thawIndex`, on the pictures
 * both were judged on; undefined where none were.
 */
export function advantage(
  state: SearchState,
  choice: Arm,
  thawIndex: number,
): Comparison | undefined {
  const rival = state.arms.find((one) => one.thawIndex === thawIndex);
  if (rival === undefined) return undefined;
  const folds = Math.min(foldsSeen(state, choice.id), foldsSeen(state, rival.id));
  return folds === 0 ? undefined : compareArms(state, choice.id, rival.id, folds);
}

/** How two arms compare on the first `folds` folds: `a` minus `b`, in nats. */
function compareArms(state: SearchState, a: number, b: number, folds: number): Comparison {
  const losses = (id: number) => resultsOf(state, id, folds).flatMap((result) => result.losses);
  return compare(losses(a), losses(b));
}

/** Every arm that was judged without diverging, with its mean validation loss on each fold. */
export function standings(state: SearchState): { readonly arm: Arm; readonly folds: number[] }[] {
  return rank(state, 1).map((id) => ({
    arm: armOf(state, id),
    folds: resultsOf(state, id, Number.POSITIVE_INFINITY).map(({ losses }) => mean(losses)),
  }));
}

function foldsSeen(state: SearchState, id: number): number {
  return resultsOf(state, id, Number.POSITIVE_INFINITY).length;
}

/** Arms that were judged on the first `folds` folds without diverging, best first. */
function rank(state: SearchState, folds: number): number[] {
  return state.arms
    .map(({ id }) => ({ id, results: resultsOf(state, id, folds) }))
    .filter(({ results }) => results.length === folds)
    .map(({ id, results }) => ({ id, loss: mean(results.flatMap(({ losses }) => losses)) }))
    .sort((a, b) => a.loss - b.loss || a.id - b.id)
    .map(({ id }) => id);
}

function resultsOf(state: SearchState, id: number, folds: number): TrialResult[] {
  return state.results
    .filter(({ arm, fold, losses }) => arm === id && fold < folds && losses.length > 0)
    .sort((a, b) => a.fold - b.fold);
}

/** The first trial of the current rung without a result; trials of one arm follow each other. */
function pending(state: SearchState): Trial | undefined {
  for (const id of state.alive) {
    for (let fold = 0; fold < foldsOf(state, state.rung); fold++) {
      if (state.results.some((result) => result.arm === id && result.fold === fold)) continue;
      return { arm: armOf(state, id), fold, epochsShare: state.epochsShare };
    }
  }
  return undefined;
}

/** Work of all trials so far, relative to one full fine-tuning of the same data. */
export function workSpent(state: SearchState): number {
  return state.results.reduce((total, { arm: id }) => total + armOf(state, id).work, 0);
}

function affordable(state: SearchState, { arm: { work } }: Trial): boolean {
  const spent = workSpent(state);
  if (spent + work > state.budget) return false;
  const left = secondsLeft(state);
  if (left === undefined || left <= 0) return left === undefined;
  // Before the first trial that trains layers nothing tells what one takes; it is cut short itself.
  return spent === 0 || work * (secondsSpent(state) / spent) <= left;
}

/** Seconds of the time budget that are left, below 0 where it is overdrawn; undefined without one. */
export function secondsLeft(state: SearchState): number | undefined {
  return state.budgetSeconds === undefined ? undefined : state.budgetSeconds - secondsSpent(state);
}

function secondsSpent({ results }: SearchState): number {
  return results.reduce((total, { seconds }) => total + seconds, 0);
}

function foldsOf({ rungs }: SearchState, level: number): number {
  return rungs[level] ?? 0;
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
