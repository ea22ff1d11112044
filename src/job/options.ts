import { z } from "zod";
import { ThawError } from "../errors.ts";
import { DEFAULT_MODEL } from "../models/catalog.ts";
import { strategy } from "../plan/plan.ts";

const fraction = z.number().min(0.01, "at least 0.01").max(0.8, "at most 0.8");

/** What `inspect` can be told; every field has a default. */
export const inspectOptions = z.strictObject({
  /** The pretrained network: a file or folder, `npm:...` or `hf:...`. */
  model: z.string().min(1).default(DEFAULT_MODEL.spec),
  /** Decides splits, initial weights, data order and augmentation. */
  seed: z.int().min(0).max(0xffffffff).default(0),
  valFraction: fraction.default(0.15),
  testFraction: fraction.default(0.15),
  /** Side of the square network input, in pixels; the network's own when absent. */
  imageSize: z.int().min(16).max(2048).optional(),
  /** Threads for the numerical engine; all cores when absent. */
  threads: z.int().min(1).max(256).optional(),
  /** Memory for cached activations, in MB; the process itself comes on top. */
  memoryMB: z.int().min(16).default(128),
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
});
export type InspectOptions = z.infer<typeof inspectOptions>;

/** What `train` can be told; every field has a default. */
export const trainOptions = inspectOptions.extend({
  /** The run's folder; `runs/<folder name>-<number>` when absent. */
  out: z.string().min(1).optional(),
  epochs: z.int().min(1).max(10_000).optional(),
  /** Time budget for everything, in minutes. Results then depend on the machine's speed. */
  minutes: z.number().positive().optional(),
  batchSize: z.int().min(1).max(4096).optional(),
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
      .map(({ path, message }) => `${path.join(".") || "options"}: ${message}`)
      .join("; "),
    next: "Correct the option; --help lists them all.",
  });
}
