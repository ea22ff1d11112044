import type { AugmentationStrength } from "../data/view.ts";
import { type Arm, type Rung, type SearchState, startSearch } from "./balance-search.ts";
import type { Plan, Strategy } from "./plan.ts";
import { thawIndex } from "./thaw-point.ts";

/** Cuts on either side of the start that the balance search tries. */
const reach = 2;

const searched: readonly AugmentationStrength[] = ["light", "medium", "strong"];
/** Learning rates tried at the start's cut, relative to the plan's. */
const rates = [1, 1 / 3, 3];

const searchRungs: readonly Rung[] = [
  { folds: 1, epochsShare: 0.25 },
  { folds: 2, epochsShare: 0.5 },
  { folds: 3, epochsShare: 1 },
];
const raceRungs: readonly Rung[] = [
  { folds: 1, epochsShare: 0.5 },
  { folds: 2, epochsShare: 0.5 },
];

export interface SearchSpace {
  readonly plan: Plan;
  /** Number of candidate thaw points; the last one trains the classifier only. */
  readonly candidates: number;
  /** Index of the candidate the search starts around. */
  readonly start: number;
  readonly budgetSeconds?: number;
}

/** The check that a plan asks for, ready to run; undefined where it asks for none. */
export function searchFor(space: SearchSpace): SearchState | undefined {
  if (space.plan.check === "none") return undefined;
  const race = space.plan.check === "race";
  return startSearch({
    arms: number(race ? raceArms(space) : searchArms(space)),
    rungs: race ? raceRungs : searchRungs,
    headIndex: space.candidates - 1,
    ...(space.budgetSeconds === undefined ? {} : { budgetSeconds: space.budgetSeconds }),
  });
}

type Entry = Omit<Arm, "id">;

/** Cuts x augmentation strengths around the start, nearest first, and the rates at the start. */
function searchArms({ plan, candidates, start }: SearchSpace): Entry[] {
  const cuts = Array.from({ length: 2 * reach + 1 }, (_, i) => start - reach + i)
    .filter((index) => index >= 0 && index < candidates - 1)
    .sort((a, b) => Math.abs(a - start) - Math.abs(b - start) || b - a);
  return [
    headEntry(plan, candidates),
    ...cuts.flatMap((index) => [
      ...searched.map((augmentation) => entry(plan, index, augmentation, 1)),
      ...(index === start
        ? rates
            .filter((rate) => rate !== 1)
            .map((rate) => entry(plan, index, plan.augmentation, rate))
        : []),
    ]),
  ];
}

/** The classifier only, the plan's own cut, and what the other strategies would thaw. */
function raceArms({ plan, candidates, start }: SearchSpace): Entry[] {
  const rivals: readonly Strategy[] =
    plan.strategy === "full" || plan.strategy === "rear" ? ["rear", "full"] : ["rear", "partial"];
  const own = plan.strategy === "head" ? [] : [start];
  const others = rivals
    .filter((strategy) => strategy !== plan.strategy)
    .map((strategy) => thawIndex(strategy, candidates, undefined));
  const cuts = [...new Set([...own, ...others])].filter((index) => index < candidates - 1);
  const augmentation = plan.augmentation === "none" ? "light" : plan.augmentation;
  return [headEntry(plan, candidates), ...cuts.map((index) => entry(plan, index, augmentation, 1))];
}

function headEntry(plan: Plan, candidates: number): Entry {
  return entry(plan, candidates - 1, "none", 1);
}

function entry(plan: Plan, index: number, augmentation: AugmentationStrength, rate: number): Entry {
  return { thawIndex: index, augmentation, learningRate: plan.learningRate * rate };
}

function number(entries: readonly Entry[]): Arm[] {
  return entries.map((one, id) => ({ id, ...one }));
}
