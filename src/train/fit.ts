import { mixup } from "../data/mixup.ts";
import { randomFor } from "../data/random.ts";
import { ThawError } from "../errors.ts";
import type { Tensor } from "../onnx/tensor.ts";
import { oneHot, padBatch } from "./batch-tensors.ts";
import { checkpointTimer } from "./checkpoint-timer.ts";
import { exhausted, noProgress, observe } from "./early-stopping.ts";
import { epochReader } from "./epoch-reader.ts";
import type { Diverged } from "./fit-events.ts";
import type { FitOptions, FitResult } from "./fit-options.ts";
import type { FitProgress, FitState } from "./fit-state.ts";
import {
  coefficients,
  type Interpolation,
  interpolate,
  noneJudged,
  weigh,
} from "./interpolation.ts";
import { learningRateAt } from "./schedule.ts";
import { argmaxRows, crossEntropies, crossEntropy } from "./softmax.ts";
import { openTrainable, type Trainable } from "./trainable.ts";
import { openValidator } from "./validation.ts";

/** The learning rate after training diverged, as a share of the one before. */
const lowered = 0.1;
/** The lowest learning rate of the schedule, as a share of the highest. */
const floorShare = 0.01;

/** Time that judging the coefficients may take, in epochs. */
const interpolating = 0.5;

/** Pictures of a batch that a message names. */
const mostNamed = 3;

const noSums: FitProgress["sums"] = { loss: 0, hits: 0, rows: 0 };

/**
 * Trains a network's parameters by group from a cut to the logits, validating after every epoch
 * and keeping the weights of the last epoch that is not clearly worse than the best one, or, where
 * asked to, weights between those and the first.
 *
 * Between any two steps or validation batches the whole state is a `FitState`. Resumed from one, a
 * fit ends with the same bytes as an uninterrupted one (with one seed, machine and thread count, and
 * no `minutes`). An abort hands the state of the next such boundary to `onCheckpoint`, then throws the signal's
 * reason. The first loss or gradient that is not finite sends training back to the best weights
 * with fresh moments and a tenth of the learning rate, at the start of the epoch.
 *
 * @throws ThawError `train/no-pictures`; `train/diverged` at the second one, with batch and step in
 *   its details; whatever the loader or the runtime throws
 */
export async function fit(options: FitOptions): Promise<FitResult> {
  requirePictures(options);
  const trainable = await openTrainable({ ...options, inputDims: options.features.dims });
  try {
    return await run(options, trainable);
  } finally {
    await trainable.release();
  }
}

async function run(options: FitOptions, trainable: Trainable): Promise<FitResult> {
  const { train, validation, batchSize, classes, seed } = options;
  const steps = Math.ceil(train.length / batchSize);
  const labels = validation.map(({ label }) => label);
  const emit = options.onEvent ?? (() => undefined);

  const validator = openValidator(options, trainable);
  const logits = new Float32Array(validation.length * classes);

  const { resumeFrom } = options;
  let best = resumeFrom?.best ?? new Map();
  let bestLogits = resumeFrom?.bestLogits ?? logits;
  let progress = resumeFrom?.progress ?? firstProgress(options);
  if (resumeFrom !== undefined) {
    logits.set(resumeFrom.logits);
    trainable.restore(resumeFrom.tensors);
  }

  let stopped = finished(options, progress);
  let mixed: ReadonlyMap<string, Tensor> | undefined;

  const before = progress.seconds - performance.now() / 1000;
  const timer = checkpointTimer((options.checkpointSeconds ?? 20) * 1000, performance.now());
  let read = epochReader(options, steps);

  async function checkpoint(): Promise<void> {
    const start = performance.now();
    const state: FitState = { progress, tensors: trainable.state(), best, bestLogits, logits };
    await options.onCheckpoint?.(state);
    const end = performance.now();
    timer.wrote(start, end);
    const { epoch, step } = progress;
    emit({ kind: "checkpoint", epoch, step, seconds: (end - start) / 1000 });
  }

  async function step(): Promise<Diverged | undefined> {
    const { epoch } = progress;
    const at = epoch * steps + progress.step;
    const { features, examples } = await read(at);
    const rows = examples.length;
    const truth = examples.map(({ label }) => label);
    const given = { inputs: features, targets: oneHot(truth, classes), rows };
    const { inputs, targets } =
      options.mixup === undefined ? given : mixup(given, options.mixup, seed, at);
    const batch = padBatch(inputs, targets, rows, batchSize);
    const learningRate = scheduled(options, progress, steps) * progress.learningRateScale;
    const random = randomFor("dropout", seed, at);
    const result = await trainable.step(batch, learningRate, random);
    const fault = notFinite({ loss: result.loss, "gradient norm": result.gradientNorm });
    if (fault !== undefined) {
      const samples = examples.map(({ sample }) => options.idOf(sample));
      return diverged(fault, epoch, progress.step, samples);
    }
    const guesses = argmaxRows(result.logits.subarray(0, rows * classes), classes);
    const hits = guesses.filter((guess, row) => guess === truth[row]).length;
    const { sums } = progress;
    emit({ kind: "step", epoch, step: progress.step, steps, loss: result.loss, learningRate });
    progress = {
      ...progress,
      step: progress.step + 1,
      sums: {
        loss: sums.loss + result.loss * rows,
        hits: sums.hits + hits,
        rows: sums.rows + rows,
      },
    };
    return undefined;
  }

  async function judge(): Promise<undefined> {
    await validator.judge(progress.judged, logits);
    progress = { ...progress, judged: progress.judged + 1 };
  }

  function endEpoch(): Diverged | undefined {
    const { epoch, sums } = progress;
    const losses = [...crossEntropies(logits, labels, classes)];
    const loss = losses.reduce((sum, one) => sum + one, 0) / losses.length;
    const fault = notFinite({ "validation loss": loss });
    if (fault !== undefined) return diverged(fault, epoch, null, []);
    const hits = argmaxRows(logits, classes).filter((guess, row) => guess === labels[row]).length;
    const record = {
      epoch,
      learningRate: scheduled(options, { ...progress, step: steps - 1 }, steps),
      trainLoss: sums.loss / sums.rows,
      trainAccuracy: sums.hits / sums.rows,
      validationLoss: loss,
      validationAccuracy: hits / labels.length,
    };
    const patience = observe(progress.patience, epoch, losses);
    const improved = patience.bestEpoch === epoch;
    if (improved) {
      best = trainable.weights();
      bestLogits = logits.slice();
    }
    progress = {
      ...progress,
      epoch: epoch + 1,
      step: 0,
      judged: 0,
      sums: noSums,
      epochs: affordable(options, progress, epoch),
      patience,
      history: [...progress.history, record],
    };
    emit({ kind: "epoch", record, epochs: progress.epochs, best: improved });
    return undefined;
  }

  function recover(fault: Diverged): void {
    emit(fault);
    if (progress.learningRateScale < 1) throw twice(fault, progress);
    trainable.restart(best);
    progress = { ...progress, step: 0, judged: 0, sums: noSums, learningRateScale: lowered };
    read = epochReader(options, steps);
  }

  /** Takes the next coefficient's weights through the validation pictures. */
  async function judgeCoefficient(interpolation: Interpolation): Promise<undefined> {
    const seen = progress.coefficients;
    const coefficient = coefficients[seen.count] ?? 1;
    if (coefficient < 1) {
      // Within a pass the weights are in the network already, after a resume too.
      if (progress.judged === 0) {
        mixed = interpolate(options.network, best, coefficient, mixed);
        trainable.restart(mixed);
      }
      if (progress.judged < validator.batches) return judge();
    } else logits.set(bestLogits);
    const weighed = weigh(seen, interpolation.losses(logits, labels, classes), interpolation);
    if (weighed.best === coefficient) bestLogits = logits.slice();
    progress = { ...progress, judged: 0, coefficients: weighed };
    return undefined;
  }

  async function advance(): Promise<Diverged | undefined> {
    if (stopped !== undefined && options.interpolation !== undefined) {
      return judgeCoefficient(options.interpolation);
    }
    if (progress.step < steps) return step();
    return progress.judged < validator.batches ? judge() : endEpoch();
  }

  while (stopped === undefined || isInterpolating(options, progress)) {
    progress = { ...progress, seconds: before + performance.now() / 1000 };
    if (options.signal?.aborted === true) {
      await checkpoint();
      options.signal.throwIfAborted();
    }
    if (timer.due(performance.now(), progress.step === 0 && progress.epoch > 0)) await checkpoint();
    const fault = await advance().catch((cause) => {
      // A loader that stops at the same signal must not keep the state from being saved.
      if (options.signal?.aborted !== true) throw cause;
      return undefined;
    });
    if (fault !== undefined) recover(fault);
    stopped = finished(options, progress);
  }

  const { bestEpoch } = progress.patience;
  const coefficient = progress.coefficients.best;
  const seconds = before + performance.now() / 1000;
  emit({ kind: "stopped", reason: stopped, bestEpoch, coefficient, seconds });
  return {
    weights: interpolate(options.network, best, coefficient, mixed),
    coefficient,
    history: progress.history,
    bestEpoch,
    validationLogits: bestLogits,
    validationLoss: crossEntropy(bestLogits, labels, classes),
    stopped,
    seconds,
  };
}

function requirePictures({ train, validation }: FitOptions): void {
  if (train.length > 0 && validation.length > 0) return;
  throw new ThawError({
    code: "train/no-pictures",
    what: `There is no picture to ${train.length === 0 ? "train on" : "validate on"}`,
    next: "Add pictures, or give validation a larger share of them.",
  });
}

function firstProgress({ epochs }: FitOptions): FitProgress {
  return {
    epoch: 0,
    step: 0,
    judged: 0,
    epochs,
    sums: noSums,
    learningRateScale: 1,
    patience: noProgress,
    history: [],
    coefficients: noneJudged,
    seconds: 0,
  };
}

/** Why training is over, if it is; asked between epochs and, without effect, between steps. */
function finished(options: FitOptions, progress: FitProgress): FitResult["stopped"] | undefined {
  if (progress.step > 0) return undefined;
  if (progress.epoch >= progress.epochs) {
    return progress.epochs < options.epochs ? "time" : "epochs";
  }
  if (exhausted(progress.patience, options.patience)) return "patience";
  if (progress.epoch > 0 && outOfTime(options, progress)) return "time";
  return undefined;
}

function isInterpolating({ interpolation }: FitOptions, progress: FitProgress): boolean {
  return interpolation !== undefined && progress.coefficients.count < coefficients.length;
}

function outOfTime({ minutes }: FitOptions, { seconds }: FitProgress): boolean {
  return minutes !== undefined && seconds >= minutes * 60;
}

/** After the first epoch: as many epochs as the time allows, so that the schedule still ends low. */
function affordable(options: FitOptions, progress: FitProgress, epoch: number): number {
  if (options.minutes === undefined || epoch > 0) return progress.epochs;
  const epochs = (options.minutes * 60) / Math.max(progress.seconds, 1e-3);
  const fitting = Math.floor(epochs - (options.interpolation === undefined ? 0 : interpolating));
  return Math.min(progress.epochs, Math.max(1, fitting));
}

function scheduled(options: FitOptions, progress: FitProgress, steps: number): number {
  const totalSteps = progress.epochs * steps;
  const schedule = {
    peak: options.learningRate,
    floor: options.learningRate * floorShare,
    warmupSteps: Math.round(totalSteps * options.warmup),
    totalSteps,
  };
  return learningRateAt(schedule, progress.epoch * steps + progress.step);
}

/** The first value that is no finite number, in words. */
function notFinite(values: Readonly<Record<string, number>>): string | undefined {
  const bad = Object.entries(values).find(([, value]) => !Number.isFinite(value));
  return bad === undefined ? undefined : `the ${bad[0]} is ${bad[1]}`;
}

function diverged(fault: string, epoch: number, step: number | null, samples: string[]): Diverged {
  const place =
    step === null
      ? `after epoch ${epoch + 1}`
      : `in step ${step + 1} of epoch ${epoch + 1}, on ${someOf(samples)}`;
  return { kind: "diverged", epoch, step, samples, says: `${fault} ${place}` };
}

function someOf(samples: readonly string[]): string {
  const more = samples.length - mostNamed;
  return `${samples.slice(0, mostNamed).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

function twice(fault: Diverged, progress: FitProgress): ThawError {
  return new ThawError({
    code: "train/diverged",
    what: `Training diverged again at a lowered learning rate: ${fault.says}`,
    next: "Train fewer layers, for example with --strategy head, and look at any pictures named here.",
    details: { ...fault, learningRateScale: progress.learningRateScale },
  });
}
