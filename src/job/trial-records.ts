import { depthOf } from "../measure/transferability.ts";
import { type Arm, type SearchState, standings } from "../plan/balance-search.ts";
import type { TrialRecord } from "../report/record.ts";
import type { Network } from "./network.ts";

/** The arms of a search as the report shows them, the lowest loss first. */
export function trialRecords(
  state: SearchState,
  choice: Arm,
  { candidates }: Network,
): TrialRecord[] {
  const records = standings(state).flatMap(({ arm, folds }) => {
    const cut = candidates[arm.thawIndex];
    if (cut === undefined) return [];
    const mean = folds.reduce((sum, loss) => sum + loss, 0) / folds.length;
    const squares = folds.reduce((sum, loss) => sum + (loss - mean) ** 2, 0);
    return [
      {
        name: cut.name,
        depth: depthOf(cut),
        augmentation: arm.augmentation,
        learningRate: arm.learningRate,
        folds,
        mean,
        standardError:
          folds.length < 2 ? null : Math.sqrt(squares / (folds.length - 1) / folds.length),
        chosen: arm.id === choice.id,
      },
    ];
  });
  return records.sort((a, b) => a.mean - b.mean);
}
