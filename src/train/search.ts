import { ThawError } from "../errors.ts";
import {
  type Arm,
  next,
  record,
  type SearchState,
  type Step,
  secondsLeft,
  type Trial,
  type TrialResult,
} from "../plan/balance-search.ts";
import { withTensors } from "./export.ts";
import { fit } from "./fit.ts";
import type { FitEvent } from "./fit-events.ts";
import type { Example, FitOptions } from "./fit-options.ts";
import type { FitState } from "./fit-state.ts";
import { headTensors, type LinearProbe } from "./linear-probe.ts";

/** What an arm's trials share: the network from its cut on and the activations cached there. */
export interface OpenArm {
  readonly fit: Omit<FitOptions, "train" | "validation" | "signal" | "onEvent" | "onCheckpoint">;
  /** Gives the cache back. */
  close(): Promise<void>;
}

export interface SearchOptions {
  /** A search just started, or one in progress. */
  readonly state: SearchState;
  readonly examples: readonly Example[];
  /** The fold of each example, 0 upwards; a trial is judged on its fold and trained on the rest. */
  readonly folds: readonly number[];
  /** Prepares an arm; its `epochs` are those of a whole training. */
  readonly open: (arm: Arm) => Promise<OpenArm>;
  /** The linear probe that every trial of a fold starts from, and that is the head's own trial. */
  readonly probe: (
    fold: number,
    train: readonly Example[],
    validation: readonly Example[],
  ) => Promise<LinearProbe>;
  /** The loss of every picture a trial is judged on; `logits` are [N, classes]. */
  readonly losses: (
    logits: Float32Array,
    labels: readonly number[],
    classes: number,
  ) => ArrayLike<number>;
  /** Is awaited after every trial. */
  readonly onTrial?: (state: SearchState, result: TrialResult) => Promise<void>;
  readonly onEvent?: (trial: Trial, event: FitEvent) => void;
  /** Is awaited with the state inside the trial in progress. */
  readonly onCheckpoint?: (state: FitState) => Promise<void>;
  /** The state inside the trial that was in progress. */
  readonly resumeFrom?: FitState;
  readonly signal?: AbortSignal;
}

export interface SearchOutcome {
  readonly state: SearchState;
  readonly choice: Arm;
  readonly reason: Extract<Step, { kind: "done" }>["reason"];
}

/**
 * Runs the trials a search asks for until it is done: the balance search, or a short race. An arm
 * stays open for all its trials in a row. A trial that diverges is recorded as such and drops its
 * arm, not the search.
 * @throws ThawError whatever a fit throws but `train/diverged`; the signal's reason
 */
export async function runSearch(options: SearchOptions): Promise<SearchOutcome> {
  let { state, resumeFrom } = options;
  let current: { readonly arm: number; readonly opened: OpenArm } | undefined;
  const probes = new Map<number, LinearProbe>();

  async function opened(arm: Arm): Promise<OpenArm> {
    if (current?.arm === arm.id) return current.opened;
    const previous = current;
    current = undefined;
    await previous?.opened.close();
    current = { arm: arm.id, opened: await options.open(arm) };
    return current.opened;
  }

  async function lossesOf(trial: Trial): Promise<number[]> {
    const train = options.examples.filter((_, row) => options.folds[row] !== trial.fold);
    const validation = options.examples.filter((_, row) => options.folds[row] === trial.fold);
    const labels = validation.map(({ label }) => label);
    const probe = probes.get(trial.fold) ?? (await options.probe(trial.fold, train, validation));
    probes.set(trial.fold, probe);
    if (trial.arm.thawIndex === state.headIndex) {
      return Array.from(options.losses(probe.validationLogits, labels, probe.bias.length));
    }
    const shared = (await opened(trial.arm)).fit;
    const left = secondsLeft(state);
    try {
      const { validationLogits } = await fit({
        ...shared,
        network: withTensors(shared.network, headTensors(probe)),
        train,
        validation,
        epochs: Math.max(1, Math.round(shared.epochs * trial.epochsShare)),
        ...(left === undefined ? {} : { minutes: left / 60 }),
        onEvent: (event) => options.onEvent?.(trial, event),
        ...(options.onCheckpoint === undefined ? {} : { onCheckpoint: options.onCheckpoint }),
        ...(options.signal === undefined ? {} : { signal: options.signal }),
        ...(resumeFrom === undefined ? {} : { resumeFrom }),
      });
      return Array.from(options.losses(validationLogits, labels, shared.classes));
    } catch (cause) {
      if (cause instanceof ThawError && cause.fault.code === "train/diverged") return [];
      throw cause;
    }
  }

  try {
    for (;;) {
      options.signal?.throwIfAborted();
      const step = next(state);
      if (step.kind === "done") return { state, choice: step.choice, reason: step.reason };
      const { arm, fold } = step.trial;
      const before = resumeFrom?.progress.seconds ?? 0;
      const began = performance.now();
      const losses = await lossesOf(step.trial);
      resumeFrom = undefined;
      const seconds = before + (performance.now() - began) / 1000;
      const result = { arm: arm.id, fold, losses, seconds };
      state = record(state, result);
      await options.onTrial?.(state, result);
    }
  } finally {
    await current?.opened.close();
  }
}
