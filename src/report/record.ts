import { z } from "zod";
import { augmentationStrength } from "../data/view.ts";
import { calibration } from "../evaluate/calibration.ts";
import { metrics } from "../evaluate/metrics.ts";
import { depthPoint, similarityVerdict, sizeVerdict } from "../measure/measurement.ts";
import { plan, strategy } from "../plan/plan.ts";
import { epochRecord, overfittingVerdict } from "../train/overfitting.ts";
import { finding } from "./audit-findings.ts";

const fraction = z.number().min(0).max(1);

const trial = z.object({
  /** Name of the thaw point and its depth, the share of multiply-adds before it. */
  name: z.string(),
  depth: fraction,
  augmentation: augmentationStrength,
  learningRate: z.number(),
  /** Validation loss of each fold. */
  folds: z.array(z.number()),
  mean: z.number(),
  /** Of the mean over the folds; null where there was only one. */
  standardError: z.number().nullable(),
  chosen: z.boolean(),
});
export type TrialRecord = z.infer<typeof trial>;

const picture = z.object({
  id: z.string(),
  /** A small JPEG as a data URI. */
  thumbnail: z.string().regex(/^data:image\/jpeg;base64,[A-Za-z0-9+/=]+$/),
  truth: z.string(),
  predicted: z.string(),
  /** Probability of the predicted class. */
  probability: fraction,
});
export type PictureRecord = z.infer<typeof picture>;

/** Everything a report shows of one run. */
export const runRecord = z.object({
  thaw: z.string(),
  name: z.string(),
  finished: z.iso.datetime(),
  dataset: z.object({
    root: z.string(),
    layout: z.string(),
    images: z.int().nonnegative(),
    fingerprint: z.string(),
    classes: z.array(
      z.object({
        name: z.string(),
        train: z.int().nonnegative(),
        val: z.int().nonnegative(),
        test: z.int().nonnegative(),
      }),
    ),
  }),
  /** What the audit found, one line each, the worst first. */
  audit: z.array(finding),
  model: z.object({
    name: z.string(),
    spec: z.string(),
    sha256: z.string(),
    license: z.string().optional(),
    parameters: z.int().nonnegative(),
    /** Width and height in pixels. */
    inputSize: z.tuple([z.int().positive(), z.int().positive()]),
    /** Pixels of the shorter side before the centre is cut out; null where pictures are squashed. */
    shorterSide: z.int().positive().nullable(),
    interpolation: z.enum(["bilinear", "bicubic", "nearest", "lanczos"]),
  }),
  size: sizeVerdict,
  similarity: similarityVerdict,
  depthCurve: z.array(depthPoint),
  plan,
  chosen: z.object({
    strategy,
    thawPoint: z.object({ cut: z.string(), name: z.string(), depth: fraction }),
    augmentation: augmentationStrength,
    trainedParameters: z.int().nonnegative(),
    /** Where the frozen layers' outputs were kept, in one sentence. */
    cache: z.string(),
  }),
  /** Set where the measured check chose otherwise than the rule. */
  overruled: z.object({ from: strategy, to: strategy, says: z.string() }).nullable(),
  curves: z.array(epochRecord),
  /** Counted from 0, as in `curves`. */
  bestEpoch: z.int().nonnegative(),
  overfitting: overfittingVerdict.nullable(),
  /** Fine-tuning against the linear probe, in one sentence. */
  verdict: z.string().nullable(),
  trials: z.array(trial),
  metrics,
  baselines: z.object({ linearProbe: metrics }),
  calibration: z.object({
    temperature: z.number().positive(),
    before: calibration,
    after: calibration,
  }),
  mistakes: z.array(picture),
  uncertain: z.array(picture),
  quantised: z.object({ accuracy: fraction, bytes: z.int(), originalBytes: z.int() }).nullable(),
  seconds: z.record(z.string(), z.number().nonnegative()),
  peakMemoryMB: z.number().nonnegative(),
});
export type RunRecord = z.infer<typeof runRecord>;
