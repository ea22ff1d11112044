import type { FinishedRun } from "./decision-cache.ts";
import { type CellRuns, compared, type Method, methods } from "./decision-methods.ts";
import {
  accuracyOf,
  crossFittedRegret,
  type MethodRun,
  mean,
  type Regret,
  standardError,
  weightedKendallTau,
} from "./decision-regret.ts";

/** All seeds of one dataset and amount. */
export interface DecisionCell {
  readonly dataset: string;
  readonly amount: number;
  readonly heldOut: number;
  /** Names of the candidate cuts, the input first. */
  readonly cuts: readonly string[];
  readonly runs: readonly ({ readonly seed: number } & CellRuns)[];
}

export interface MethodSummary {
  readonly accuracy: number;
  readonly regret: Regret;
  /** Seconds relative to one full fine-tuning of the same data. */
  readonly cost: number;
  /** The same in multiply-adds, which a busy machine does not change. */
  readonly work: number;
  /** The least regret of all methods, ties included. */
  readonly wins: boolean;
}

export interface CellSummary {
  readonly dataset: string;
  readonly amount: number;
  readonly seeds: number;
  readonly heldOut: number;
  /** Mean score and the verdicts and choices of Thaw, a seed each. */
  readonly similarity: number;
  readonly verdicts: readonly string[];
  readonly rules: readonly string[];
  readonly chosen: readonly string[];
  readonly checkWork: number;
  /** Accuracy of each candidate cut. */
  readonly curve: readonly { readonly cut: string; readonly accuracy: number }[];
  /** Cross-fitted accuracy of the best cut. */
  readonly oracle: number;
  /** Best fine-tuned accuracy (cross-fitted) minus that of the linear probe. */
  readonly gap: Regret;
  readonly methods: Readonly<Record<Method, MethodSummary>>;
}

export interface Total {
  readonly method: Method;
  readonly accuracy: number;
  /** Mean over cells, with its standard error over cells. */
  readonly regret: Regret;
  /** Share of cells with a regret of at most two points. */
  readonly withinTwo: number;
  readonly cost: number;
  readonly work: number;
  readonly wins: number;
}

export interface Summary {
  readonly cells: readonly CellSummary[];
  readonly totals: readonly Total[];
  /** Weighted Kendall tau of dissimilarity (1 - score) against the gap. */
  readonly tau: number;
  /** Runs that ended with the classifier only, and what they cost on average; absent for none. */
  readonly heads?: { readonly runs: number; readonly cost: number; readonly work: number };
}

/** From finished runs to what is reported. */
export function summarise(cells: readonly DecisionCell[]): Summary {
  const summaries = cells.map(summariseCell);
  const heads = cells.flatMap(({ runs }) =>
    runs.filter(({ methods: { thaw } }) => thaw.strategy === "head"),
  );
  return {
    cells: summaries,
    totals: methods.map((method) => total(method, summaries)),
    tau: weightedKendallTau(
      summaries.map(({ gap }) => gap.value),
      summaries.map(({ similarity }) => 1 - similarity),
    ),
    ...(heads.length === 0
      ? {}
      : {
          heads: {
            runs: heads.length,
            cost: mean(heads.map(costOf("thaw"))),
            work: mean(heads.map(({ methods: { thaw } }) => thaw.work)),
          },
        }),
  };
}

function summariseCell({ dataset, amount, heldOut, cuts, runs }: DecisionCell): CellSummary {
  const ofMethod = (method: Method) => runs.map((one) => hitsOf(one.seed, one.methods[method]));
  const curves = cuts.map((_, index) =>
    runs.flatMap(({ seed, cuts: trained }) => {
      const run = trained[index];
      return run === undefined ? [] : [hitsOf(seed, run)];
    }),
  );
  const regrets = new Map(
    methods.map((method) => [method, crossFittedRegret(curves, ofMethod(method))] as const),
  );
  const regretOf = (method: Method) => regrets.get(method) ?? { value: 0, standardError: 0 };
  const least = Math.min(...compared.map((method) => regretOf(method).value));
  const accuracy = (method: Method) => accuracyOf(ofMethod(method));
  return {
    dataset,
    amount,
    seeds: runs.length,
    heldOut,
    similarity: mean(runs.map(({ methods: { thaw } }) => thaw.similarity ?? 0)),
    verdicts: runs.map(({ methods: { thaw } }) => thaw.verdict ?? ""),
    rules: runs.map(({ methods: { thaw } }) => thaw.rule ?? ""),
    chosen: runs.map(({ methods: { thaw } }) => thaw.cut ?? ""),
    checkWork: mean(runs.map(({ methods: { thaw } }) => thaw.checkWork ?? 0)),
    curve: cuts.map((cut, index) => ({ cut, accuracy: accuracyOf(curves[index] ?? []) })),
    oracle: accuracy("thaw") + regretOf("thaw").value,
    gap: crossFittedRegret(curves.slice(0, -1), ofMethod("always-head")),
    methods: Object.fromEntries(
      methods.map((method) => [
        method,
        {
          accuracy: accuracy(method),
          regret: regretOf(method),
          cost: mean(runs.map(costOf(method))),
          work: mean(runs.map((one) => one.methods[method].work)),
          wins: compared.includes(method) && regretOf(method).value <= least + 1e-9,
        },
      ]),
    ) as Record<Method, MethodSummary>,
  };
}

function total(method: Method, cells: readonly CellSummary[]): Total {
  const all = cells.map((cell) => cell.methods[method]);
  const regrets = all.map(({ regret }) => regret.value);
  return {
    method,
    accuracy: mean(all.map(({ accuracy }) => accuracy)),
    regret: { value: mean(regrets), standardError: standardError(regrets) },
    withinTwo: mean(regrets.map((regret) => (regret <= 0.02 ? 1 : 0))),
    cost: mean(all.map(({ cost }) => cost)),
    work: mean(all.map(({ work }) => work)),
    wins: all.filter(({ wins }) => wins).length,
  };
}

function costOf(method: Method) {
  return ({ methods: runs }: CellRuns) => runs[method].seconds / runs["always-full"].seconds;
}

function hitsOf(seed: number, { hits }: FinishedRun): MethodRun {
  return { seed, hits: [...hits].map(Number) };
}
