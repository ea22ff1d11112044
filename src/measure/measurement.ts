import { z } from "zod";

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
  /** The raw figure behind the score (a relative distance, a divergence, a share of accuracy). */
  value: z.number(),
  /** Standard error of `value` over the measured pictures. */
  standardError: z.number().nonnegative(),
  /** The sentence shown to the user. */
  says: z.string(),
});
export type SimilarityEvidence = z.infer<typeof similarityEvidence>;

export const similarityVerdict = z.object({
  verdict: z.enum(["similar", "ambiguous", "dissimilar"]),
  score: z.number().min(0).max(1),
  /** Probability, 0.5 to 1, that more pictures and more evidence would leave the score on its side. */
  confidence: z.number().min(0).max(1),
  evidence: z.array(similarityEvidence),
  /** Sources that could not be used, each with the reason. */
  missing: z.array(z.string()),
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
  score: z.number().min(0).max(1),
  /** Standard error of `score` over the measured pictures. */
  standardError: z.number().nonnegative(),
  /** Share of the labels' variance the probe explains, 1 at best, below 0 if worse than guessing. */
  explained: z.number().max(1),
});
export type DepthPoint = z.infer<typeof depthPoint>;

/** How well a linear classifier does on frozen features, by the depth they are taken from. */
export const depthCurve = z.object({
  /** In depth order, the last one at the classifier. */
  points: z.array(depthPoint),
  /** Accuracy of always answering the most frequent class. */
  chance: z.number().min(0).max(1),
  /** Index of the best point. */
  best: z.int().nonnegative(),
  /** Index of the deepest point within one standard error of the best: fewest trained layers. */
  peak: z.int().nonnegative(),
  /** What the second half of the network adds to `explained`, with its standard error. */
  gain: z.object({ value: z.number(), standardError: z.number().nonnegative() }),
});
export type DepthCurve = z.infer<typeof depthCurve>;
