import { z } from "zod";
import { augmentationStrength } from "../data/view.ts";

/** The four strategies of the quadrants, from fewest to most trained layers. */
export const strategy = z.enum(["head", "rear", "partial", "full"]);
export type Strategy = z.infer<typeof strategy>;

/** How a network is trained, whatever part of it. */
export const recipe = z.object({
  augmentation: augmentationStrength,
  /** Augmented views cached of each picture; 0 recomputes every epoch. */
  views: z.int().nonnegative(),
  epochs: z.int().positive(),
  batchSize: z.int().positive(),
  /** Learning rate of the head; deeper layers get it times `layerDecay` a block. */
  learningRate: z.number().positive(),
  layerDecay: z.number().min(0).max(1),
  weightDecay: z.number().nonnegative(),
  optimizer: z.enum(["adamw", "sgd"]),
  labelSmoothing: z.number().min(0).max(1),
  dropout: z.number().min(0).max(1),
  /**
   * Where between the weights training starts from (0) and those of its best epoch (1) the ones kept
   * are expected, before validation has its say; null keeps the latter whatever it says.
   */
  interpolation: z.number().min(0).max(1).nullable(),
});
export type Recipe = z.infer<typeof recipe>;

/** What will be done and why. Written to `plan.json` before training starts. */
export const plan = recipe.extend({
  strategy,
  /** Tensor of the cut at which the trainable part starts; the last cut for `head`. */
  thawPoint: z.object({ cut: z.string(), name: z.string(), depth: z.number().min(0).max(1) }),
  /** What the check against the data will do: nothing, a short race, the balance search. */
  check: z.enum(["none", "race", "search"]),
  /** What the bare four-quadrant table says, whatever is done in the end. */
  rule: z.object({ strategy, why: z.string() }),
  /** Plain sentences for the user, most important first. */
  why: z.array(z.string()),
});
export type Plan = z.infer<typeof plan>;
