import { z } from "zod";
import { type ActivationType, activationType, bytesPerScalar } from "./activation-type.ts";

/** What would be cached. */
export interface CacheSizes {
  /** Numbers in the activation of one picture at the cut. */
  readonly scalars: number;
  readonly trainPictures: number;
  /** Pictures seen without augmentation: validation and test. */
  readonly heldOutPictures: number;
  /** Augmented views wanted of each training picture; 1 without augmentation, 0 for fresh ones. */
  readonly views: number;
  readonly epochs: number;
}

export interface CacheBudget {
  readonly memoryBytes: number;
  /** Free bytes the run may use on disk; 0 where there is none. */
  readonly fileBytes: number;
}

export const cacheChoice = z.object({
  where: z.enum(["memory", "file", "recompute"]),
  type: activationType,
  /** Views cached of each training picture; 0 draws fresh ones every epoch. */
  views: z.int().nonnegative(),
  bytes: z.number().nonnegative(),
  why: z.string(),
});
export type CacheChoice = z.infer<typeof cacheChoice>;

/**
 * Where the activations at the cut are kept: exact and in memory first, then halved in memory,
 * then in a file, and where not even that fits the frozen layers run again every epoch.
 * More views than epochs would never be seen, so they are not cached.
 */
export function chooseCache(sizes: CacheSizes, budget: CacheBudget): CacheChoice {
  if (sizes.views === 0) {
    return {
      where: "recompute",
      type: "float32",
      views: 0,
      bytes: 0,
      why: "Every epoch draws fresh augmented views, so the frozen layers run again each time.",
    };
  }
  const views = Math.min(sizes.views, sizes.epochs);
  const rows = sizes.trainPictures * views + sizes.heldOutPictures;
  const bytes = (type: ActivationType) => rows * sizes.scalars * bytesPerScalar[type];
  const what = `${views === 1 ? "one view" : `${views} views`} of each training picture`;
  const chosen = (where: "memory" | "file", type: ActivationType, reason: string): CacheChoice => ({
    where,
    type,
    views,
    bytes: bytes(type),
    why: `The frozen layers run once; ${what} ${views === 1 ? "stays" : "stay"} ${where === "memory" ? "in memory" : "in a file"} as ${type}, ${megabytes(bytes(type))}: ${reason}.`,
  });
  const memory = megabytes(budget.memoryBytes);
  if (bytes("float32") <= budget.memoryBytes) {
    return chosen("memory", "float32", `within the budget of ${memory}`);
  }
  if (bytes("float16") <= budget.memoryBytes) {
    return chosen(
      "memory",
      "float16",
      `float32 would take ${megabytes(bytes("float32"))} of the ${memory} allowed`,
    );
  }
  if (bytes("float16") <= budget.fileBytes) {
    return chosen("file", "float16", `more than the ${memory} allowed in memory`);
  }
  return {
    where: "recompute",
    type: "float32",
    views: 0,
    bytes: 0,
    why: `The frozen layers run again every epoch: ${megabytes(bytes("float16"))} of activations fit neither the ${memory} allowed in memory nor the ${megabytes(budget.fileBytes)} on disk.`,
  };
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}
