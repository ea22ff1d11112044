import { depthOf } from "../measure/transferability.ts";
import type { SearchState } from "../plan/balance-search.ts";
import type { Plan } from "../plan/plan.ts";
import type { LinearProbe } from "../train/linear-probe.ts";
import type { JobContext } from "./events.ts";
import type { FeatureTable } from "./features.ts";
import type { Tuned } from "./fine-tune.ts";
import type { Network } from "./network.ts";
import type { Pictures } from "./pictures.ts";
import type { RunFolder } from "./run-folder.ts";
import type { Stopwatch } from "./stopwatch.ts";
import type { Survey } from "./survey.ts";
import type { Workbench } from "./workbench.ts";

/** Everything a run came to, before it is written down. */
export interface Outcome {
  readonly run: RunFolder;
  readonly pictures: Pictures;
  readonly network: Network;
  readonly bench: Workbench;
  readonly features: FeatureTable;
  readonly measured: Survey;
  readonly plan: Plan;
  readonly probe: LinearProbe;
  readonly search: SearchState | undefined;
  readonly tuned: Tuned;
  readonly watch: Stopwatch;
  readonly context: JobContext;
}

/** The plan as it was carried out. */
export function chosenPlan({ plan, tuned, network }: Outcome): Plan {
  const cut = network.candidates[tuned.arm.thawIndex];
  return {
    ...plan,
    strategy: tuned.strategy,
    thawPoint:
      cut === undefined ? plan.thawPoint : { cut: cut.value, name: cut.name, depth: depthOf(cut) },
    augmentation: tuned.arm.augmentation,
    learningRate: tuned.arm.learningRate,
    interpolation: tuned.strategy === "head" ? null : (tuned.fit?.coefficient ?? null),
  };
}
