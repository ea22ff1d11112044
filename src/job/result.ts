import { z } from "zod";
import { audit } from "../data/audit.ts";
import { depthCurve, similarityVerdict, sizeVerdict } from "../measure/measurement.ts";
import { overruling } from "../plan/overruling.ts";
import { plan } from "../plan/plan.ts";

/** What `inspect` finds out, and the JSON it prints. */
export const inspection = z.object({
  images: z.int().nonnegative(),
  classes: z.array(z.object({ name: z.string(), images: z.int().nonnegative() })),
  audit,
  size: sizeVerdict,
  similarity: similarityVerdict,
  depthCurve: depthCurve.optional(),
  plan,
});
export type Inspection = z.infer<typeof inspection>;

const fraction = z.number().min(0).max(1);

/** The figures of merit of one model on one set of pictures, classes by name. */
export const score = z.object({
  images: z.int().nonnegative(),
  accuracy: fraction,
  interval: z.tuple([fraction, fraction]),
  balancedAccuracy: fraction,
  macroF1: fraction,
  loss: z.number(),
  ece: fraction,
  top5: fraction.optional(),
  perClass: z.array(
    z.object({
      name: z.string(),
      precision: fraction,
      recall: fraction,
      f1: fraction,
      images: z.int().nonnegative(),
    }),
  ),
});
export type Score = z.infer<typeof score>;

/** What `train` hands back, and the JSON it prints. */
export const trainResult = inspection.extend({
  /** The run's folder and the finished model in it. */
  run: z.string(),
  model: z.string(),
  /** What was carried out; differs from `plan` where the check overruled it. */
  chosen: plan.pick({ strategy: true, thawPoint: true, augmentation: true }),
  metrics: score,
  baselines: z.object({ linearProbe: score }),
  overruled: overruling.nullable(),
  /**
   * Fine-tuning against the linear probe: what validation pictures said and what was done, and a
   * word where the held-out pictures speak for the probe.
   */
  verdict: z.string().nullable(),
  int8: z.object({ model: z.string(), accuracy: fraction }).optional(),
  seconds: z.number().nonnegative(),
  peakMemoryMB: z.number().nonnegative(),
});
export type TrainResult = z.infer<typeof trainResult>;
