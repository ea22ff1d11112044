import { z } from "zod";

/** The four strategies of the quadrants, from fewest to most trained layers. */
export const strategy = z.enum(["head", "rear", "partial", "full"]);
export type Strategy = z.infer<typeof strategy>;

export const augmentationStrength = z.enum(["none", "light", "medium", "strong"]);
export type AugmentationStrength = z.infer<typeof augmentationStrength>;

export const sizeVerdict = z.object({
  images: z.int().nonnegative(),
  verdict: z.enum(["small", "large"]),
});
export type SizeVerdict = z.infer<typeof sizeVerdict>;

/** One line of evidence for the similarity verdict, by the source it comes from. */
export const similarityEvidence = z.object({
  source: z.enum(["reference-card", "batchnorm-drift", "transferability"]),
  /** 0 to 1, higher is more similar. */
  score: z.number().min(0).max(1),
  /** The raw figure behind the score (a Frechet distance, a divergence, a depth fraction). */
  value: z.number(),
  /** The sentence shown to the user. */
  says: z.string(),
});
export type SimilarityEvidence = z.infer<typeof similarityEvidence>;

export const similarityVerdict = z.object({
  verdict: z.enum(["similar", "ambiguous", "dissimilar"]),
  score: z.number().min(0).max(1),
  confidence: z.number().min(0).max(1),
  evidence: z.array(similarityEvidence),
});
export type SimilarityVerdict = z.infer<typeof similarityVerdict>;

/** One point of the transferability-by-depth curve. */
export const depthPoint = z.object({
  /** The cut's tensor and its name for people. */
  cut: z.string(),
  name: z.string(),
  /** Share of the network's multiply-adds before the cut, 0 to 1. */
  depth: z.number().min(0).max(1),
  /** Cross-validated accuracy of a closed-form probe on pooled features, 0 to 1. */
  score: z.number(),
});
export type DepthPoint = z.infer<typeof depthPoint>;

/** What will be done and why. Written to `plan.json` before training starts. */
export const plan = z.object({
  strategy,
  /** Tensor of the cut at which the trainable part starts; the last cut for `head`. */
  thawPoint: z.object({ cut: z.string(), name: z.string(), depth: z.number().min(0).max(1) }),
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
  /** What the check against the data will do: nothing, a short race, the balance search. */
  check: z.enum(["none", "race", "search"]),
  /** What the bare four-quadrant table says, whatever is done in the end. */
  rule: z.object({ strategy, why: z.string() }),
  /** Plain sentences for the user, most important first. */
  why: z.array(z.string()),
});
export type Plan = z.infer<typeof plan>;
