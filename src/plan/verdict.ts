import { z } from "zod";
import { type Comparison, clearly, compare } from "./compare.ts";
import { type Plan, strategy } from "./plan.ts";

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

function isClear({ difference, standardError }: Comparison): boolean {
  return Math.abs(difference) > clearly * standardError;
}

export const overruling = z.object({ from: strategy, to: strategy, says: z.string() });
export type Overruling = z.infer<typeof overruling>;

const names: Readonly<Record<Plan["strategy"], string>> = {
  head: "training the classifier only",
  rear: "training the rear part",
  partial: "training some layers",
  full: "training the whole network",
};

/**
 * Whether measurement overruled the four-quadrant rule, and the sentence that says so.
 * @param done the strategy that was carried out
 * @param advantage validation loss of what was chosen minus that of what the rule says, on the
 *   same pictures; absent where the check did not try both
 */
export function overruled(
  plan: Plan,
  done: Plan["strategy"],
  advantage?: Comparison,
): Overruling | null {
  const from = plan.rule.strategy;
  if (plan.check === "none" || from === done) return null;
  return { from, to: done, says: `The rule says ${names[from]}; ${why(done, advantage)}.` };
}

function why(done: Plan["strategy"], advantage: Comparison | undefined): string {
  if (advantage === undefined) {
    return `measured on your pictures, ${names[done]} did better, so that was done`;
  }
  const { difference, standardError } = advantage;
  const loss = `${Math.abs(difference).toFixed(2)} (standard error ${standardError.toFixed(2)})`;
  if (difference < -standardError) {
    return `measured on your pictures, ${names[done]} did better: on pictures held back its loss was lower by ${loss}, so that was done`;
  }
  return `on pictures held back, ${names[done]} did as well within what so few can tell: its loss was ${difference < 0 ? "lower" : "higher"} by ${loss}. Over many data sets it is the better bet, so that was done`;
}
