import { checkPlan } from "../src/job/check-plan.ts";
import { fineTune, type Tuned } from "../src/job/fine-tune.ts";
import { type ArmSetting, openArm } from "../src/job/open-arm.ts";
import { next, workSpent } from "../src/plan/balance-search.ts";
import { type Plan, type Recipe, recipe } from "../src/plan/plan.ts";
import { trainingWork } from "../src/plan/work.ts";
import { withTensors } from "../src/train/export.ts";
import { fit } from "../src/train/fit.ts";
import { headTensors } from "../src/train/linear-probe.ts";
import { autoRgnGroups, epochGradients } from "./auto-rgn.ts";
import type { FinishedRun, RunCache } from "./decision-cache.ts";
import type { Cell } from "./decision-cell.ts";
import { forgetful, heldOutHits, type Laid, lay, quiet } from "./decision-train.ts";

/** A method's run and what its cost is measured in. */
export interface CellRuns {
  /** The candidate cuts compared, the input first. */
  readonly cuts: readonly FinishedRun[];
  readonly methods: Readonly<Record<Method, FinishedRun>>;
}

export const methods = [
  "thaw",
  "rule",
  "always-head",
  "always-full",
  "lp-ft",
  "auto-rgn",
  "unaugmented",
  "uninterpolated",
] as const;
export type Method = (typeof methods)[number];

/** Thaw's own choice without a part of its recipe; what else there is competes. */
const ablations: readonly Method[] = ["unaugmented", "uninterpolated"];
export const compared: readonly Method[] = methods.filter((method) => !ablations.includes(method));

/** LP-FT trains every layer at one low rate; this share of the recipe's (Kumar et al., 2022). */
const lpFtRate = 0.3;

/** Runs everything that is compared in one cell, from the cache where it has run before. */
export async function runCell(
  cell: Cell,
  cache: RunCache,
  fingerprint: string,
  mostCuts: number,
  says: (line: string) => void,
): Promise<CellRuns> {
  const { dataset, amount, seed, model, imageSize } = cell.setting;
  const setting = { dataset, amount, seed, model, imageSize };
  const last = cell.network.candidates.length - 1;
  const laid = laidOut(cell);

  const once = async (label: string, key: object, compute: () => Promise<FinishedRun>) => {
    const run = await cache.once({ ...setting, ...key }, compute);
    says(
      `${dataset} ${amount} seed ${seed} ${label}: ${accuracy(run)} in ${run.seconds.toFixed(1)} s`,
    );
    return run;
  };
  const trained = (label: string, arm: ArmSetting, plan: Plan) =>
    once(label, { arm: arm.thawIndex === last ? "head" : arm, recipe: recipeOf(plan) }, () =>
      train(cell, arm, plan, laid),
    );

  const full = cell.plan({ strategy: "full" });
  // The last weights, whatever was measured: as other tools hand them back.
  const uninterpolated = { ...full, interpolation: null };
  const armAt = (thawIndex: number, plan = full): ArmSetting => ({
    thawIndex,
    augmentation: plan.augmentation === "none" ? "light" : plan.augmentation,
    learningRate: plan.learningRate,
  });

  const rulePlan = cell.plan({ ruleOnly: true });
  const ruleIndex = cell.network.candidates.findIndex(
    ({ value }) => value === rulePlan.thawPoint.cut,
  );
  const thaw = await once("thaw", { method: "thaw", fingerprint }, () => decide(cell, laid));
  const cuts: FinishedRun[] = [];
  for (const index of evenly(last + 1, mostCuts)) {
    cuts.push(await trained(`cut ${index}`, armAt(index), full));
  }
  const head = cuts.at(-1);
  if (head === undefined) throw new RangeError("a network has two cuts");
  return {
    cuts,
    methods: {
      thaw,
      rule: await trained("rule", armAt(ruleIndex, rulePlan), rulePlan),
      "always-head": head,
      "always-full": await trained("always-full", armAt(0), uninterpolated),
      "lp-ft": await trained(
        "lp-ft",
        { ...armAt(0), learningRate: full.learningRate * lpFtRate },
        { ...uninterpolated, layerDecay: 1 },
      ),
      "auto-rgn": await once(
        "auto-rgn",
        { method: "auto-rgn", recipe: recipeOf(uninterpolated) },
        () => autoRgn(uninterpolated, laid),
      ),
      unaugmented: await trained(
        "unaugmented",
        { ...armAt(thaw.thawIndex), augmentation: "none" },
        full,
      ),
      uninterpolated: await trained("uninterpolated", armAt(thaw.thawIndex), uninterpolated),
    },
  };
}

/** At most this many of the candidates, evenly spaced, both ends among them. */
function evenly(candidates: number, most: number): number[] {
  const count = Math.min(candidates, most);
  return Array.from({ length: count }, (_, i) => Math.round((i * (candidates - 1)) / (count - 1)));
}

/** A training of the benchmark is neither told of nor resumed. */
const unattended = { run: quiet, steps: forgetful, context: {} };

type Lay = (plan: Plan) => Promise<Laid>;

/** One layout and linear probe a recipe. */
function laidOut(cell: Cell): Lay {
  const known = new Map<string, Promise<Laid>>();
  return (plan) => {
    const { interpolation: _, ...shared } = recipeOf(plan);
    const key = JSON.stringify(shared);
    const found = known.get(key) ?? lay(cell, plan);
    known.set(key, found);
    return found.then((laid) => ({ ...laid, bench: { ...laid.bench, recipe: plan } }));
  };
}

/** Thaw as a user runs it: measure, plan, probe, check, train. */
async function decide(cell: Cell, laidOut: Lay): Promise<FinishedRun> {
  const plan = cell.plan({});
  const laid = await laidOut(plan);
  const began = performance.now();
  const checked = await checkPlan(
    plan,
    cell.measured,
    laid.bench,
    cell.all,
    laid.features,
    quiet,
    forgetful,
    {},
    {},
  );
  const planned = cell.network.candidates.findIndex(({ value }) => value === plan.thawPoint.cut);
  const arm = checked?.choice ?? {
    thawIndex: planned,
    augmentation: plan.augmentation,
    learningRate: plan.learningRate,
  };
  const tuned = await fineTune(arm, plan, { ...laid, ...unattended });
  const seconds = cell.measuringSeconds + laid.seconds + (performance.now() - began) / 1000;
  const step = checked === undefined ? undefined : next(checked.state);
  return {
    hits: (await heldOutHits(laid.bench, tuned.trained)).join(""),
    seconds,
    thawIndex: tuned.arm.thawIndex,
    strategy: tuned.strategy,
    cut: cell.network.candidates[tuned.arm.thawIndex]?.name,
    work: workAt(cell, plan, arm, tuned) + (checked === undefined ? 0 : workSpent(checked.state)),
    rule: plan.rule.strategy,
    similarity: cell.measured.similarity.score,
    verdict: cell.measured.similarity.verdict,
    ...(checked === undefined
      ? {}
      : {
          checkWork: workSpent(checked.state),
          trials: checked.state.results.length,
          ...(step?.kind === "done" ? { ended: step.reason } : {}),
        }),
  };
}

/** Work of the training itself, relative to one full fine-tuning. */
function workAt({ network }: Cell, plan: Plan, arm: ArmSetting, { trainings }: Tuned): number {
  const cut = network.candidates[arm.thawIndex];
  if (cut === undefined) return 0;
  const views = arm.augmentation === "none" ? 1 : plan.views;
  return trainings * trainingWork(cut, { ...plan, views });
}

async function train(cell: Cell, arm: ArmSetting, plan: Plan, laidOut: Lay): Promise<FinishedRun> {
  const { bench, probe, seconds } = await laidOut(plan);
  const began = performance.now();
  const forced: Plan = { ...plan, check: "none" };
  const tuned = await fineTune(arm, forced, { probe, bench, ...unattended });
  const taken = (performance.now() - began) / 1000;
  return {
    hits: (await heldOutHits(bench, tuned.trained)).join(""),
    // The probe is all there is to training the classifier only; the others count without it.
    seconds: tuned.fit === undefined ? seconds : taken,
    thawIndex: tuned.arm.thawIndex,
    strategy: tuned.strategy,
    cut: cell.network.candidates[tuned.arm.thawIndex]?.name,
    work: workAt(cell, forced, arm, tuned),
  };
}

async function autoRgn(plan: Plan, laidOut: Lay): Promise<FinishedRun> {
  const { bench, probe, seconds } = await laidOut(plan);
  const began = performance.now();
  const { train, val } = bench.examples;
  const arm = { thawIndex: 0, augmentation: plan.augmentation, learningRate: plan.learningRate };
  const opened = await openArm(bench, arm, train, val, forgetful, {});
  try {
    const options = {
      ...opened.fit,
      network: withTensors(opened.fit.network, headTensors(probe)),
      train,
      validation: val,
    };
    const groups = autoRgnGroups(options.network.graph, await epochGradients(options));
    const { weights } = await fit({ ...options, groups });
    const taken = (performance.now() - began) / 1000;
    return {
      hits: (await heldOutHits(bench, weights)).join(""),
      seconds: taken + seconds,
      thawIndex: 0,
      strategy: "full",
      work: 1,
    };
  } finally {
    await opened.close();
  }
}

/** What an arm's own setting does not say. */
const sharedRecipe = recipe.omit({ augmentation: true, learningRate: true });
const recipeOf = (plan: Recipe) => sharedRecipe.parse(plan);

export function accuracy({ hits }: FinishedRun): string {
  const right = [...hits].filter((hit) => hit === "1").length;
  return `${((100 * right) / Math.max(1, hits.length)).toFixed(1)} %`;
}
