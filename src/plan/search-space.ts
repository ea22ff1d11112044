import type { AugmentationStrength } from "../data/view.ts";
import type { Cut } from "../models/pretrained.ts";
import { type Arm, type SearchState, startSearch } from "./balance-search.ts";
import type { Plan } from "./plan.ts";
import { thawIndex } from "./thaw-point.ts";
import { trainingWork } from "./work.ts";

/** Learning rates that the balance search tries on the whole network, relative to the plan's. */
const rates = [3, 1 / 3];

/** Every trial trains on two thirds of the pictures and is judged on the last third. */
const folds = 3;
const rungs = [1, 2, 3];
/** Share of the epochs of a whole training that a trial takes. */
const epochsShare = 0.45;

/**
 * How much a check may cost, in full fine-tunings of the same data: with the training of the
 * choice itself, deciding and training stay below one and a half.
 */
const usualBudget = 0.5;
/** A user who grants a time budget wants it used. */
const unhurried = 5;

export interface SearchSpace {
  readonly plan: Plan;
  /** Candidate thaw points; the last one trains the classifier only. */
  readonly cuts: readonly Cut[];
  /** Index of the candidate the search starts around. */
  readonly start: number;
  /** The only augmentation to try, where the user asks for one. */
  readonly augmentation?: AugmentationStrength | undefined;
  readonly budgetSeconds?: number;
}

/** The check that a plan asks for, ready to run; undefined where it asks for none. */
export function searchFor(space: SearchSpace): SearchState | undefined {
  const { plan, cuts, budgetSeconds } = space;
  if (plan.check === "none") return undefined;
  const budget = budgetSeconds === undefined ? usualBudget : unhurried;
  const entries = plan.check === "race" ? raceEntries(space, budget) : searchEntries(space, budget);
  return startSearch({
    arms: entries.map((entry, id): Arm => ({ id, ...entry, work: workOf(entry, space) })),
    epochsShare,
    rungs,
    headIndex: cuts.length - 1,
    budget,
    ...(budgetSeconds === undefined ? {} : { budgetSeconds }),
  });
}

type Entry = Omit<Arm, "id" | "work">;

/** Multiply-adds of an entry's trial, relative to one full fine-tuning; the probes cost next to nothing. */
function workOf({ thawIndex: index, augmentation }: Entry, { plan, cuts }: SearchSpace): number {
  const cut = cuts[index];
  if (cut === undefined) throw new RangeError(`no candidate ${index}`);
  if (index === cuts.length - 1) return 0;
  const views = augmentation === "none" ? 1 : plan.views;
  return epochsShare * (1 - 1 / folds) * trainingWork(cut, { ...plan, views });
}

/** The race's arms and those around the plan's own cut; then augmentation and rates. */
function searchEntries(space: SearchSpace, budget: number): Entry[] {
  const { plan, cuts, start, augmentation } = space;
  const raced = raceEntries(space, budget);
  const around = [start, Math.round(start / 2), Math.min(start + 2, cuts.length - 2)].filter(
    (index, place, all) =>
      all.indexOf(index) === place && raced.every(({ thawIndex: known }) => known !== index),
  );
  return [
    ...raced,
    ...around.map((index) => entry(plan, index, augmentation)),
    ...(augmentation === undefined ? neighbours(plan.augmentation) : []).map((other) =>
      entry(plan, 0, other),
    ),
    ...rates.map((rate) => ({
      ...entry(plan, 0, augmentation),
      learningRate: plan.learningRate * rate,
    })),
  ];
}

/**
 * The classifier only, then the plan's own cut, or the rear part where that leaves no room for the
 * whole network, or neither, then the whole network.
 */
function raceEntries(space: SearchSpace, budget: number): Entry[] {
  const { plan, cuts, start, augmentation } = space;
  const last = cuts.length - 1;
  const whole = entry(plan, 0, augmentation);
  const between = [start, thawIndex("rear", cuts.length, undefined)]
    .filter((index) => index > 0 && index < last)
    .map((index) => entry(plan, index, augmentation))
    .find((one) => workOf(one, space) + workOf(whole, space) <= budget);
  return [
    headEntry(plan, last),
    ...(between === undefined ? [] : [between]),
    ...(last > 0 ? [whole] : []),
  ];
}

function headEntry(plan: Plan, last: number): Entry {
  return { thawIndex: last, augmentation: "none", learningRate: plan.learningRate };
}

/** A plan for the classifier only names no augmentation for the layers that the race trains. */
function entry(
  plan: Plan,
  thawIndex: number,
  augmentation: AugmentationStrength = plan.strategy === "head" ? "light" : plan.augmentation,
): Entry {
  return { thawIndex, augmentation, learningRate: plan.learningRate };
}

const strengths: readonly AugmentationStrength[] = ["none", "light", "medium", "strong"];

/** One step stronger, then one step weaker. */
function neighbours(own: AugmentationStrength): AugmentationStrength[] {
  const at = strengths.indexOf(own);
  return [at + 1, at - 1].flatMap((index) => strengths[index] ?? []);
}
