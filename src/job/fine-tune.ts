import type { Tensor } from "../onnx/tensor.ts";
import type { Plan, Strategy } from "../plan/plan.ts";
import { strategyAt } from "../plan/thaw-point.ts";
import { judge, type ValidationOutcome, type Verdict } from "../plan/verdict.ts";
import type { CacheChoice } from "../train/choose-cache.ts";
import { withTensors } from "../train/export.ts";
import { fit } from "../train/fit.ts";
import type { FitResult } from "../train/fit-options.ts";
import { headTensors, type LinearProbe } from "../train/linear-probe.ts";
import { argmaxRows } from "../train/softmax.ts";
import { calibratedLosses } from "./calibrated-losses.ts";
import { fitResultCodec, fitStateCodec } from "./codecs.ts";
import type { JobContext } from "./events.ts";
import { type ArmSetting, openArm } from "./open-arm.ts";
import type { RunFolder } from "./run-folder.ts";
import type { Steps } from "./steps.ts";
import type { Workbench } from "./workbench.ts";

/** What training came to. */
export interface Tuned {
  /** What was carried out and is handed back. */
  readonly arm: ArmSetting;
  readonly strategy: Strategy;
  /** Tensors of the headed network that differ from where it started. */
  readonly trained: ReadonlyMap<string, Tensor>;
  /** [V, C] */
  readonly validationLogits: Float32Array;
  /** Absent where only the classifier was trained. */
  readonly fit?: FitResult;
  readonly cache?: CacheChoice;
  /** Fine-tuning against the linear probe; absent where nothing but the probe was trained. */
  readonly verdict?: Verdict;
}

/** Share of the time left that training may take; the rest is for judging and the report. */
const trainShare = 0.85;

/**
 * Trains the chosen part of the network, starting from the linear probe (LP-FT; Kumar et al.,
 * Fine-Tuning Can Distort Pretrained Features, 2022). The probe itself is the answer where only
 * the classifier is to be trained, and where fine-tuning did not beat it.
 */
export async function fineTune(
  arm: ArmSetting,
  plan: Plan,
  probe: LinearProbe,
  bench: Workbench,
  run: Pick<RunFolder, "log">,
  steps: Steps,
  minutes: number | undefined,
  context: JobContext,
): Promise<Tuned> {
  const last = bench.network.candidates.length - 1;
  const probed: Tuned = {
    arm: { ...arm, thawIndex: last, augmentation: "none" },
    strategy: "head",
    trained: headTensors(probe),
    validationLogits: probe.validationLogits,
  };
  if (arm.thawIndex === last) return probed;

  const candidate = bench.network.candidates[arm.thawIndex];
  const says =
    arm.thawIndex === 0
      ? "Training the whole network"
      : `Training from ${candidate?.name ?? "the thaw point"} on`;
  context.onEvent?.({ kind: "phase", says });
  const { train, val } = bench.examples;
  const opened = await openArm(bench, arm, train, val, context);
  let result: FitResult;
  try {
    result = await steps.once("fit", fitResultCodec, async () => {
      const resumeFrom = await steps.restore("fit", fitStateCodec);
      return fit({
        ...opened.fit,
        network: withTensors(opened.fit.network, headTensors(probe)),
        train,
        validation: val,
        ...(minutes === undefined ? {} : { minutes: minutes * trainShare }),
        ...(context.signal === undefined ? {} : { signal: context.signal }),
        onEvent: (event) => {
          if (event.kind === "step") {
            const { epoch, step, steps: count, loss } = event;
            context.onEvent?.({
              kind: "progress",
              done: epoch * count + step + 1,
              total: opened.fit.epochs * count,
              says: `epoch ${epoch + 1}, loss ${loss.toFixed(3)}`,
            });
          } else {
            run.log(event);
            if (event.kind === "diverged") {
              context.onEvent?.({ kind: "note", says: `Training diverged: ${event.says}.` });
            }
          }
        },
        onCheckpoint: (state) => steps.checkpoint("fit", fitStateCodec, state),
        ...(resumeFrom === undefined ? {} : { resumeFrom }),
      });
    });
  } finally {
    await opened.close();
  }
  const labels = val.map(({ label }) => label);
  const classes = bench.dataset.classes.length;
  const verdict = judge(
    outcome(probe.validationLogits, labels, classes),
    outcome(result.validationLogits, labels, classes),
  );
  const forced = plan.check === "none";
  const cache = opened.cache === undefined ? {} : { cache: opened.cache };
  return verdict.winner === "linear-probe" && !forced
    ? { ...probed, verdict, fit: result, ...cache }
    : {
        arm,
        // The plan named its own cut; any other is named by where it lies.
        strategy:
          candidate?.value === plan.thawPoint.cut
            ? plan.strategy
            : strategyAt(arm.thawIndex, last + 1),
        trained: result.weights,
        validationLogits: result.validationLogits,
        fit: result,
        verdict,
        ...cache,
      };
}

function outcome(
  logits: Float32Array,
  labels: readonly number[],
  classes: number,
): ValidationOutcome {
  const predicted = argmaxRows(logits, classes);
  return {
    hits: labels.map((label, row) => (predicted[row] === label ? 1 : 0)),
    losses: calibratedLosses(logits, labels, classes),
  };
}
