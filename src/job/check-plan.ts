import { stratifiedFolds } from "../data/split.ts";
import type { AugmentationStrength } from "../data/view.ts";
import type { Arm, SearchState } from "../plan/balance-search.ts";
import { next, searchState } from "../plan/balance-search.ts";
import type { Plan } from "../plan/plan.ts";
import { searchFor } from "../plan/search-space.ts";
import { thawIndex } from "../plan/thaw-point.ts";
import { runSearch } from "../train/search.ts";
import { calibratedLosses } from "./calibrated-losses.ts";
import { fitStateCodec } from "./codecs.ts";
import type { JobContext } from "./events.ts";
import type { FeatureTable } from "./features.ts";
import { openArm } from "./open-arm.ts";
import type { Pictures } from "./pictures.ts";
import type { RunFolder } from "./run-folder.ts";
import { json, type Steps } from "./steps.ts";
import type { Survey } from "./survey.ts";
import { trainProbe } from "./train-probe.ts";
import type { Workbench } from "./workbench.ts";

/** What the race or the balance search found. */
export interface Checked {
  readonly state: SearchState;
  readonly choice: Arm;
}

export interface CheckOptions {
  /** Time left for the run; absent for no limit. */
  readonly minutes?: number | undefined;
  readonly augmentation?: AugmentationStrength | undefined;
}

/** Share of a time budget that may go into the check; the rest is for the training itself. */
const checkShare = 0.4;

/**
 * Checks a plan against the data: the race or the balance search it asks for, on stratified folds
 * of the training and validation pictures. Undefined where the plan asks for none.
 */
export async function checkPlan(
  plan: Plan,
  { depthCurve }: Survey,
  bench: Workbench,
  pictures: Pictures,
  features: FeatureTable,
  run: Pick<RunFolder, "log">,
  steps: Steps,
  { minutes, augmentation }: CheckOptions,
  context: JobContext,
): Promise<Checked | undefined> {
  const begun = searchFor({
    plan,
    cuts: bench.network.candidates,
    start: thawIndex(plan.strategy, bench.network.candidates.length, depthCurve),
    augmentation,
    ...(minutes === undefined ? {} : { budgetSeconds: minutes * 60 * checkShare }),
  });
  if (begun === undefined) return undefined;
  context.onEvent?.({
    kind: "phase",
    says: plan.check === "race" ? "Racing the likely choices" : "Searching for the balance",
  });
  const codec = json(searchState);
  const state = await steps.once("search", codec, async () => {
    const known = (await steps.restore("search", codec)) ?? begun;
    return search(known, bench, pictures, features, run, steps, context);
  });
  const step = next(state);
  if (step.kind !== "done") throw new TypeError("a finished search has a choice");
  return { state, choice: step.choice };
}

async function search(
  known: SearchState,
  bench: Workbench,
  pictures: Pictures,
  features: FeatureTable,
  run: Pick<RunFolder, "log">,
  steps: Steps,
  context: JobContext,
): Promise<SearchState> {
  const examples = [...bench.examples.train, ...bench.examples.val];
  const samples = examples.map(({ sample }) => pictures.dataset.samples[sample]);
  const rowOf = new Map(examples.map(({ sample }, row) => [sample, row]));
  const alike = pictures.alike.map((group) =>
    group.map((sample) => rowOf.get(sample)).filter((row) => row !== undefined),
  );
  const folds = stratifiedFolds(
    samples.filter((sample) => sample !== undefined),
    alike.filter((group) => group.length > 1),
    Math.max(...known.rungs),
    bench.seed,
  );
  // Pictures that stick together may make fewer folds than were asked for.
  const most = 1 + Math.max(...folds);
  const limited = { ...known, rungs: known.rungs.map((rung) => Math.min(rung, most)) };
  // A fit's state belongs to one trial; the count of finished trials names it.
  const trialName = (state: SearchState) => `trial-${state.results.length}`;
  let current: SearchState = limited;
  const resumeFrom = await steps.restore(trialName(current), fitStateCodec);
  const { state } = await runSearch({
    state: limited,
    examples,
    folds,
    open: (arm) =>
      openArm(bench, arm, examples, examples, steps, {
        ...(context.signal === undefined ? {} : { signal: context.signal }),
      }),
    probe: (fold, train, validation) =>
      trainProbe(`probe-fold-${fold}`, train, validation, bench, features, steps, context),
    losses: calibratedLosses,
    onTrial: async (after, result) => {
      const arm = after.arms.find(({ id }) => id === result.arm);
      if (arm !== undefined) run.log({ kind: "trial", arm, result });
      await steps.checkpoint("search", json(searchState), after);
      await steps.forget(trialName(current));
      current = after;
      context.onEvent?.({ kind: "progress", done: after.results.length, total: expected(after) });
    },
    onCheckpoint: (inner) => steps.checkpoint(trialName(current), fitStateCodec, inner),
    ...(resumeFrom === undefined ? {} : { resumeFrom }),
    ...(context.signal === undefined ? {} : { signal: context.signal }),
  });
  return state;
}

/** Trials done and still to come if no arm falls out before its rung ends. */
function expected({ results, rung, rungs, alive }: SearchState): number {
  const folds = rungs[rung] ?? 0;
  const done = results.filter(({ arm, fold }) => alive.includes(arm) && fold < folds).length;
  return results.length - done + alive.length * folds;
}
