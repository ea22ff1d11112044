import { z } from "zod";
import { compare } from "./compare.ts";
import { type Plan, strategy } from "./plan.ts";

/** How a trained network did on the validation pictures, one entry a picture in one order. */
export interface ValidationOutcome {
  /** 1 where the class was right, else 0. */
  readonly hits: ArrayLike<number>;
  /** Nats. */
  readonly losses: ArrayLike<number>;
}

export const verdict = z.object({
  /** Which network is handed back. */
  winner: z.enum(["linear-probe", "fine-tuned"]),
  /** Validation accuracy of the fine-tuned network minus the linear probe's, with standard error. */
  gain: z.object({ accuracy: z.number(), standardError: z.number() }),
  says: z.string(),
});
export type Verdict = z.infer<typeof verdict>;

/**
 * Fine-tuning must beat the linear probe to be handed back: by accuracy where the two differ by
 * more than a standard error, else by loss, which sees more than right and wrong.
 */
export function judge(linearProbe: ValidationOutcome, fineTuned: ValidationOutcome): Verdict {
  const { difference: accuracy, standardError } = compare(fineTuned.hits, linearProbe.hits);
  const loss = compare(fineTuned.losses, linearProbe.losses).difference;
  const clear = Math.abs(accuracy) > standardError;
  const better = clear ? accuracy > 0 : loss < 0;
  const points = `${(100 * Math.abs(accuracy)).toFixed(1)} points of validation accuracy`;
  const margin = `${(100 * standardError).toFixed(1)}`;
  return {
    winner: better ? "fine-tuned" : "linear-probe",
    gain: { accuracy, standardError },
    says: clear
      ? better
        ? `Fine-tuning gained ${points} over the linear probe (standard error ${margin}).`
        : `Fine-tuning lost ${points} against the linear probe (standard error ${margin}), so the linear probe is kept.`
      : better
        ? `Fine-tuning and the linear probe are right equally often within ${margin} points; fine-tuning is kept for its lower loss.`
        : `Fine-tuning did not do better than the linear probe (within ${margin} points), so the linear probe is kept: fewer trained layers, less to overfit.`,
  };
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
 * @param measured the strategy that won on the data
 */
export function overruled(plan: Plan, measured: Plan["strategy"]): Overruling | null {
  const from = plan.rule.strategy;
  if (plan.check === "none" || from === measured) return null;
  return {
    from,
    to: measured,
    says: `The rule says ${names[from]}; measured on your pictures, ${names[measured]} did better, so that was done.`,
  };
}
