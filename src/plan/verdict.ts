import { type Comparison, clearly, compare } from "./compare.ts";

/** How a trained network did on the validation pictures, one entry a picture in one order. */
export interface ValidationOutcome {
  /** 1 where the class was right, else 0. */
  readonly hits: ArrayLike<number>;
  /** Nats. */
  readonly losses: ArrayLike<number>;
}

/** What the validation pictures say of a fine-tuned network and the linear probe it started from. */
export interface Verdict {
  /** Which of the two they speak for. */
  readonly winner: "linear-probe" | "fine-tuned";
  /** Accuracy of the fine-tuned network minus the linear probe's. */
  readonly gain: Comparison;
}

/**
 * Whether the validation pictures speak against the fine-tuned network that the check chose: by
 * accuracy where the two clearly differ, else by a loss that is clearly higher.
 */
export function judge(linearProbe: ValidationOutcome, fineTuned: ValidationOutcome): Verdict {
  const gain = compare(fineTuned.hits, linearProbe.hits);
  const loss = compare(fineTuned.losses, linearProbe.losses);
  const better = isClear(gain)
    ? gain.difference > 0
    : loss.difference <= clearly * loss.standardError;
  return { winner: better ? "fine-tuned" : "linear-probe", gain };
}

/**
 * The verdict and what was done about it, in one sentence.
 * @param unchecked the fine-tuned network is handed back whatever the verdict
 */
export function tell({ winner, gain }: Verdict, unchecked: boolean): string {
  const clear = isClear(gain);
  const points = `${(100 * Math.abs(gain.difference)).toFixed(1)} points of validation accuracy`;
  const margin = (100 * gain.standardError).toFixed(1);
  const equal = Number.isFinite(gain.standardError)
    ? `Fine-tuning and the linear probe are about equally often right (standard error ${margin} points)`
    : "A single validation picture cannot tell fine-tuning and the linear probe apart";
  if (winner === "fine-tuned") {
    return clear
      ? `Fine-tuning gained ${points} over the linear probe (standard error ${margin}).`
      : `${equal}; the fine-tuned network is kept, as planned.`;
  }
  const worse = clear
    ? `Fine-tuning lost ${points} against the linear probe (standard error ${margin})`
    : `${equal}, but fine-tuning is clearly more wrong where it errs`;
  return unchecked
    ? `${worse}; the fine-tuned network is handed back all the same, since the plan was not to be checked.`
    : `${worse}, so the linear probe is kept.`;
}

/**
 * Where the weights handed back lie, in one sentence; undefined where they are simply the last.
 * @param coefficient 0 (the start) to 1 (the end)
 */
export function tellInterpolation(coefficient: number): string | undefined {
  if (coefficient === 1) return undefined;
  const share = coefficient === 0.5 ? "half" : `${Math.round(100 * coefficient)} %`;
  return `The weights handed back lie ${share} of the way from those training started from to those of its best epoch: that is where the similarity and the validation pictures together expect the best network.`;
}

function isClear({ difference, standardError }: Comparison): boolean {
  return Math.abs(difference) > clearly * standardError;
}
