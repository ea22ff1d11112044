import { z } from "zod";
import { augmentationStrength } from "../data/view.ts";
import { ThawError } from "../errors.ts";
import { DEFAULT_MODEL } from "../models/catalog.ts";
import { strategy } from "../plan/plan.ts";

/** Says the same of whichever bound is broken, in words that fit a command line as well. */
export const wholeNumber = (least: number, most: number) => {
  const says = `Expected a whole number from ${least} to ${most}`;
  return z.int(says).min(least, says).max(most, says);
};
const needsText = "Expected some text";
const badFraction = "Expected a number from 0.01 to 0.8";
const fraction = z.number(badFraction).min(0.01, badFraction).max(0.8, badFraction);
const badMinutes = "Expected a number of minutes above 0";
/** Validation and test pictures at most, as a share of all: the others are learned from. */
const mostHeldOut = 0.9;

/** What `inspect` can be told; every field has a default. */
export const inspectOptions = z
  .strictObject({
    /** The pretrained network: a file or folder, `npm:...` or `hf:...`. */
    model: z.string(needsText).min(1, needsText).default(DEFAULT_MODEL.spec),
    /** Decides splits, initial weights, data order and augmentation. */
    seed: wholeNumber(0, 0xffffffff).default(0),
    valFraction: fraction.default(0.15),
    testFraction: fraction.default(0.15),
    /** Side of the square network input, in pixels; the network's own when absent. */
    imageSize: wholeNumber(16, 2048).optional(),
    /** Threads for the numerical engine; all cores when absent. */
    threads: wholeNumber(1, 256).optional(),
    /** Memory for cached activations, in MB; the process itself comes on top. */
    memoryMB: wholeNumber(16, 1_000_000).default(64),
    /** Refuses the folder when the audit finds anything. */
    strict: z.boolean().default(false),
    /** Treats duplicates as pictures of their own when splitting. */
    allowDuplicates: z.boolean().default(false),
    /** Orientation carries meaning (letters, left and right hands): never flip. */
    keepOrientation: z.boolean().default(false),
    /** Follows the four-quadrant table blindly: measures the two facts, skips the check. */
    ruleOnly: z.boolean().default(false),
    /** Forces a strategy. */
    strategy: strategy.optional(),
    /** Forces how much pictures are varied while layers of the backbone are trained. */
    augmentation: augmentationStrength.optional(),
  })
  .refine(
    ({ valFraction, testFraction }) => valFraction + testFraction <= mostHeldOut + Number.EPSILON,
    `Validation and test together may take at most ${mostHeldOut} of the pictures`,
  );
export type InspectOptions = z.infer<typeof inspectOptions>;

/** What `train` can be told; every field has a default. */
export const trainOptions = inspectOptions.safeExtend({
  /** The run's folder; `runs/<folder name>-<number>` when absent. */
  out: z.string(needsText).min(1, needsText).optional(),
  epochs: wholeNumber(1, 10_000).optional(),
  /** Time budget for everything, in minutes. Results then depend on the machine's speed. */
  minutes: z.number(badMinutes).positive(badMinutes).optional(),
  batchSize: wholeNumber(1, 4096).optional(),
  /** Adds `model.int8.onnx` with its measured accuracy. */
  int8: z.boolean().default(false),
});
export type TrainOptions = z.infer<typeof trainOptions>;

/**
 * Options with their defaults filled in.
 * @throws ThawError `job/bad-option` naming each option that makes no sense
 */
export function parseOptions<T>(schema: z.ZodType<T>, options: unknown): T {
  const parsed = schema.safeParse(options);
  if (parsed.success) return parsed.data;
  throw new ThawError({
    code: "job/bad-option",
    what: parsed.error.issues
      .map(({ path, message }) => [...path.map(String), message].join(": "))
      .join("; "),
    next: "Correct the option; --help lists them all.",
  });
}
