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
  /** The measurements could not tell whether the pictures resemble the pretraining data. */
  readonly ambiguous: boolean;
  /** The only augmentation to try, where the user asks for one. */
  readonly augmentation?: AugmentationStrength | undefined;
  readonly budgetSeconds?: number;
}

/** The check that a plan asks for, ready to run; undefined where it asks for none. */
export function searchFor(space: SearchSpace): SearchState | undefined {
  const { plan, cuts, budgetSeconds } = space;
  if (plan.check === "none") return undefined;
  const epochsShare = 0.45;
  const share = epochsShare * (1 - 1 / folds);
  const last = cuts.length - 1;
  const entries = plan.check === "race" ? raceEntries(space) : searchEntries(space);
  return startSearch({
    arms: entries.map((entry, id): Arm => {
      const cut = cuts[entry.thawIndex];
      if (cut === undefined) throw new RangeError(`no candidate ${entry.thawIndex}`);
      const views = entry.augmentation === "none" ? 1 : plan.views;
      const work = entry.thawIndex === last ? 0 : share * trainingWork(cut, { ...plan, views });
      return { id, ...entry, work };
    }),
    epochsShare,
    rungs,
    headIndex: last,
    gated: isGated(space),
    budget: budgetSeconds === undefined ? usualBudget : unhurried,
    ...(budgetSeconds === undefined ? {} : { budgetSeconds }),
  });
}

type Entry = Omit<Arm, "id" | "work">;

/** The whole network, the plan's own cut and those around it; then augmentation and rates. */
function searchEntries({ plan, cuts, start, augmentation }: SearchSpace): Entry[] {
  const last = cuts.length - 1;
  const tried = new Set([0, start, Math.round(start / 2), Math.min(start + 2, last - 1)]);
  return [
    headEntry(plan, last),
    ...[...tried].map((index) => entry(plan, index, augmentation)),
    ...(augmentation === undefined ? neighbours(plan.augmentation) : []).map((other) =>
      entry(plan, 0, other),
    ),
    ...rates.map((rate) => ({
      ...entry(plan, 0, augmentation),
      learningRate: plan.learningRate * rate,
    })),
  ];
}

/** The classifier only, the whole network, and the plan's own cut or the rear part. */
function raceEntries(space: SearchSpace): Entry[] {
  const { plan, cuts, start, augmentation } = space;
  const last = cuts.length - 1;
  const between = start > 0 && start < last ? start : thawIndex("rear", cuts.length, undefined);
  const order = isGated(space) ? [between, 0] : [0, between];
  const tried = new Set(order.filter((index) => index < last));
  return [headEntry(plan, last), ...[...tried].map((index) => entry(plan, index, augmentation))];
}

/** Whether the rear part must first show that training any layer is worth the while. */
function isGated({ plan, ambiguous }: SearchSpace): boolean {
  return plan.strategy === "head" && !ambiguous;
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
