import { z } from "zod";
import type { Tensor } from "../onnx/tensor.ts";
import { progress } from "./early-stopping.ts";
import { judgedCoefficients } from "./interpolation.ts";
import { epochRecord } from "./overfitting.ts";

/** Everything about a fit in progress that is not a tensor. */
export const fitProgress = z.object({
  /** The epoch in progress and the steps of it that are done. */
  epoch: z.int().nonnegative(),
  step: z.int().nonnegative(),
  /** Validation batches done after the last step of the epoch, or of the coefficient in turn. */
  judged: z.int().nonnegative(),
  /** Epochs planned: those asked for, or fewer where the time allows no more. */
  epochs: z.int().positive(),
  /** Sums over the steps done of the epoch in progress. */
  sums: z.object({ loss: z.number(), hits: z.number(), rows: z.number() }),
  /** 1, or less after training diverged. */
  learningRateScale: z.number().positive(),
  patience: progress,
  history: z.array(epochRecord),
  /** None before the last epoch is over. */
  coefficients: judgedCoefficients,
  /** Training time so far, in seconds; informs the time budget and nothing else. */
  seconds: z.number().nonnegative(),
});
export type FitProgress = z.infer<typeof fitProgress>;

/**
 * A fit between two steps or two validation batches: the state of data order, dropout and mixup is
 * the pair of epoch and step, which together with the seed names every random sequence.
 */
export interface FitState {
  readonly progress: FitProgress;
  /** What the next step takes in, by the training graph's input: parameters, moments, averages. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** The best weights so far by initializer; empty before the first validation. */
  readonly best: ReadonlyMap<string, Tensor>;
  /** [V, C] at the best weights, or at the best coefficient once there is one. */
  readonly bestLogits: Float32Array;
  /** [V, C], of which the batches judged so far are filled. */
  readonly logits: Float32Array;
}
