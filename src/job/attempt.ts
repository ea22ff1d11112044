import { judge, type ValidationOutcome, type Verdict } from "../plan/verdict.ts";
import type { CacheChoice } from "../train/choose-cache.ts";
import { withTensors } from "../train/export.ts";
import { fit } from "../train/fit.ts";
import type { FitEvent } from "../train/fit-events.ts";
import type { FitResult } from "../train/fit-options.ts";
import { headTensors, type LinearProbe } from "../train/linear-probe.ts";
import { argmaxRows } from "../train/softmax.ts";
import { calibratedLosses } from "./calibrated-losses.ts";
import { fitResultCodec, fitStateCodec } from "./codecs.ts";
import type { JobContext } from "./events.ts";
import { type ArmSetting, cacheOf, openArm } from "./open-arm.ts";
import type { RunFolder } from "./run-folder.ts";
import type { Steps } from "./steps.ts";
import type { Workbench } from "./workbench.ts";

/** One training of an arm, and what the validation pictures say of it. */
export interface Attempt {
  readonly arm: ArmSetting;
  readonly fit: FitResult;
  /** Where the frozen layers' outputs were kept; absent where nothing is frozen. */
  readonly cache?: CacheChoice;
  /** Against the linear probe it started from. */
  readonly verdict: Verdict;
}

/** What every training after the linear probe needs. */
export interface AfterProbe {
  readonly probe: LinearProbe;
  readonly bench: Workbench;
  readonly run: Pick<RunFolder, "log">;
  readonly steps: Steps;
  /** Time left for the run; absent for no limit. */
  readonly minutes?: number | undefined;
  readonly context: JobContext;
}

/** Share of the time left that a training may take; the rest is for judging and the report. */
const trainShare = 0.85;

/**
 * Trains an arm from the linear probe (LP-FT; Kumar et al., Fine-Tuning Can Distort Pretrained
 * Features, 2022) and judges it.
 * @param step the name under which the training is kept and resumed
 */
export async function attempt(
  arm: ArmSetting,
  step: string,
  { probe, bench, run, steps, minutes, context }: AfterProbe,
): Promise<Attempt> {
  const { train, val } = bench.examples;
  const result = await steps.once(step, fitResultCodec, async () => {
    const opened = await openArm(bench, arm, train, val, steps, context);
    try {
      const resumeFrom = await steps.restore(step, fitStateCodec);
      return await fit({
        ...opened.fit,
        network: withTensors(opened.fit.network, headTensors(probe)),
        train,
        validation: val,
        ...(minutes === undefined ? {} : { minutes: minutes * trainShare }),
        ...(context.signal === undefined ? {} : { signal: context.signal }),
        onEvent: (event) => tell(event, opened.fit.epochs, run, context),
        onCheckpoint: (state) => steps.checkpoint(step, fitStateCodec, state),
        ...(resumeFrom === undefined ? {} : { resumeFrom }),
      });
    } finally {
      await opened.close();
    }
  });
  const labels = val.map(({ label }) => label);
  const classes = bench.dataset.classes.length;
  const verdict = judge(
    outcome(probe.validationLogits, labels, classes),
    outcome(result.validationLogits, labels, classes),
  );
  const cache = cacheOf(bench, arm, train, val);
  return { arm, fit: result, verdict, ...(cache === undefined ? {} : { cache }) };
}

function tell(
  event: FitEvent,
  epochs: number,
  run: Pick<RunFolder, "log">,
  { onEvent }: JobContext,
): void {
  if (event.kind === "step") {
    const { epoch, step, steps: count, loss } = event;
    onEvent?.({
      kind: "progress",
      done: epoch * count + step + 1,
      total: epochs * count,
      says: `epoch ${epoch + 1}, loss ${loss.toFixed(3)}`,
    });
    return;
  }
  run.log(event);
  if (event.kind === "diverged") {
    onEvent?.({ kind: "note", says: `Training diverged: ${event.says}.` });
  }
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
