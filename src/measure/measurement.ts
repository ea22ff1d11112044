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
