import { z } from "zod";
import { epochRecord } from "./overfitting.ts";

export const stepEvent = z.object({
  kind: z.literal("step"),
  epoch: z.int().nonnegative(),
  /** Counted from 0 within the epoch. */
  step: z.int().nonnegative(),
  steps: z.int().positive(),
  loss: z.number(),
  learningRate: z.number(),
});

export const epochEvent = z.object({
  kind: z.literal("epoch"),
  record: epochRecord,
  /** Epochs planned. */
  epochs: z.int().positive(),
  /** Whether its weights are the ones to keep so far. */
  best: z.boolean(),
});

/** A loss or gradient that is no finite number; training went back to the best weights. */
export const divergedEvent = z.object({
  kind: z.literal("diverged"),
  epoch: z.int().nonnegative(),
  /** The step, or null where the validation loss was to blame. */
  step: z.int().nonnegative().nullable(),
  /** The pictures of the batch, by the ids of their samples. */
  samples: z.array(z.string()),
  says: z.string(),
});

/** A state that can be resumed from is kept. */
export const checkpointEvent = z.object({
  kind: z.literal("checkpoint"),
  epoch: z.int().nonnegative(),
  step: z.int().nonnegative(),
  /** How long training waited for it. */
  seconds: z.number().nonnegative(),
});

export const stoppedEvent = z.object({
  kind: z.literal("stopped"),
  reason: z.enum(["epochs", "patience", "time"]),
  bestEpoch: z.int().nonnegative(),
  /** Where the weights kept lie between the first (0) and those of the best epoch (1). */
  coefficient: z.number().min(0).max(1),
  /** All of training, checkpoints and validation included. */
  seconds: z.number().nonnegative(),
});

export const fitEvent = z.discriminatedUnion("kind", [
  stepEvent,
  epochEvent,
  divergedEvent,
  checkpointEvent,
  stoppedEvent,
]);
export type FitEvent = z.infer<typeof fitEvent>;
export type Diverged = z.infer<typeof divergedEvent>;
