import { depthOf } from "../measure/transferability.ts";
import { type Arm, type SearchState, standings } from "../plan/balance-search.ts";
import type { TrialRecord } from "../report/record.ts";
import type { Network } from "./network.ts";

/** The arms of a search as the report shows them, each by the last rung it finished. */
export function trialRecords(
  state: SearchState,
  choice: Arm,
  { candidates }: Network,
): TrialRecord[] {
  const latest = new Map<number, TrialRecord>();
  state.rungs.forEach((_, level) => {
    for (const { arm, folds } of standings(state, level)) {
      const cut = candidates[arm.thawIndex];
      if (cut === undefined) continue;
      const mean = folds.reduce((sum, loss) => sum + loss, 0) / folds.length;
      const squares = folds.reduce((sum, loss) => sum + (loss - mean) ** 2, 0);
      latest.set(arm.id, {
        name: cut.name,
        depth: depthOf(cut),
        augmentation: arm.augmentation,
        learningRate: arm.learningRate,
        folds,
        mean,
        standardError:
          folds.length < 2 ? 0 : Math.sqrt(squares / (folds.length - 1) / folds.length),
        chosen: arm.id === choice.id,
      });
    }
  });
  return [...latest.values()];
}
