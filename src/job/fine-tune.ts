import { z } from "zod";
import type { Tensor } from "../onnx/tensor.ts";
import type { Plan, Strategy } from "../plan/plan.ts";
import { strategyAt } from "../plan/thaw-point.ts";
import { tell, tellInterpolation } from "../plan/verdict.ts";
import type { CacheChoice } from "../train/choose-cache.ts";
import type { FitResult } from "../train/fit-options.ts";
import { headTensors } from "../train/linear-probe.ts";
import { type AfterProbe, attempt } from "./attempt.ts";
import type { ArmSetting } from "./open-arm.ts";
import { json } from "./steps.ts";

/** What training came to. */
export interface Tuned {
  /** What was carried out and is handed back. */
  readonly arm: ArmSetting;
  readonly strategy: Strategy;
  /** Tensors of the headed network that differ from where it started. */
  readonly trained: ReadonlyMap<string, Tensor>;
  /** [V, C] */
  readonly validationLogits: Float32Array;
  /** How many times layers of the backbone were trained: 0, 1, or 2 with a lower rate. */
  readonly trainings: number;
  /** The last training; absent where only the classifier was trained. */
  readonly fit?: FitResult;
  readonly cache?: CacheChoice;
  /**
   * Fine-tuning against the linear probe and what was done about it, in words; absent where
   * nothing but the probe was trained.
   */
  readonly verdict?: string;
}

/** Learning rate of a second training, relative to the first. */
const lowered = 0.3;
const lowerRate = z.object({ learningRate: z.number().positive() });

/**
 * Trains the chosen part of the network. Training starts from the linear probe, so where it ends
 * clearly worse it has learned too fast for this network (narrow ones bear less than wide ones):
 * unless a time budget stands against it, it is done once more at a lower rate. The probe itself
 * is the answer where only the classifier is to be trained, and where that is clearly worse too.
 */
export async function fineTune(arm: ArmSetting, plan: Plan, given: AfterProbe): Promise<Tuned> {
  const { probe, bench, run, steps, minutes, context } = given;
  const last = bench.network.candidates.length - 1;
  const probed: Tuned = {
    arm: { ...arm, thawIndex: last, augmentation: "none" },
    strategy: "head",
    trained: headTensors(probe),
    validationLogits: probe.validationLogits,
    trainings: 0,
  };
  if (arm.thawIndex === last) return probed;

  const candidate = bench.network.candidates[arm.thawIndex];
  const says =
    arm.thawIndex === 0
      ? "Training the whole network"
      : `Training from ${candidate?.name ?? "the thaw point"} on`;
  const tried = (setting: ArmSetting, step: string) => {
    context.onEvent?.({ kind: "phase", says });
    return attempt(setting, step, given);
  };
  const forced = plan.check === "none";
  let done = await tried(arm, "fit");
  let trainings = 1;
  const story: string[] = [];
  if (done.verdict.winner === "linear-probe" && !forced && minutes === undefined) {
    const again = `Training ended clearly worse than the linear probe it started from, so it was done again at ${lowered} of the learning rate.`;
    context.onEvent?.({ kind: "note", says: again });
    const { learningRate } = await steps.once("retry", json(lowerRate), async () => {
      const rate = { learningRate: arm.learningRate * lowered };
      run.log({ kind: "retry", ...rate, says: again });
      return rate;
    });
    done = await tried({ ...arm, learningRate }, "fit-slower");
    trainings = 2;
    story.push(again);
  }
  const { fit } = done;
  const kept = done.verdict.winner === "fine-tuned" || forced;
  const verdict = [
    ...story,
    tell(done.verdict, forced),
    kept ? tellInterpolation(fit.coefficient) : undefined,
  ]
    .filter((says) => says !== undefined)
    .join(" ");
  const cache = done.cache === undefined ? {} : { cache: done.cache };
  return !kept
    ? { ...probed, trainings, verdict, fit, ...cache }
    : {
        arm: done.arm,
        // The plan named its own cut; any other is named by where it lies.
        strategy:
          candidate?.value === plan.thawPoint.cut
            ? plan.strategy
            : strategyAt(arm.thawIndex, last + 1),
        trained: fit.weights,
        validationLogits: fit.validationLogits,
        trainings,
        fit,
        verdict,
        ...cache,
      };
}
