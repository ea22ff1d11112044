import { createHash } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { strategy } from "../src/plan/plan.ts";

/** One finished training, as kept. */
export const finishedRun = z.object({
  /** 0 or 1 a held-out picture. */
  hits: z.string(),
  seconds: z.number(),
  /** What was trained in the end: index into the candidate thaw points. */
  thawIndex: z.int(),
  strategy,
  /** Its name. */
  cut: z.string().optional(),
  /** Deciding and training, in multiply-adds relative to one full fine-tuning. */
  work: z.number(),
  /** Work of the check's trials, relative to one full fine-tuning; absent without a check. */
  checkWork: z.number().optional(),
  trials: z.int().optional(),
  ended: z.enum(["settled", "complete", "budget"]).optional(),
  /** What the bare table says and what measurement made of it. */
  rule: strategy.optional(),
  similarity: z.number().optional(),
  verdict: z.string().optional(),
});
export type FinishedRun = z.infer<typeof finishedRun>;

const line = z.object({ key: z.string(), run: finishedRun });

export interface RunCache {
  /** The run kept under this setting, or else the run computed now. */
  once(setting: object, compute: () => Promise<FinishedRun>): Promise<FinishedRun>;
}

/** Opens a file with one finished training a line; a half-written last line is computed again. */
export function openRunCache(file: string, reportOnly: boolean): RunCache {
  mkdirSync(dirname(file), { recursive: true });
  const known = new Map<string, FinishedRun>();
  for (const text of existsSync(file) ? readFileSync(file, "utf8").split("\n") : []) {
    try {
      const { key, run } = line.parse(JSON.parse(text));
      known.set(key, run);
    } catch {
      // The benchmark was killed while it wrote this line.
    }
  }
  return {
    async once(setting, compute) {
      const key = JSON.stringify(setting);
      const found = known.get(key);
      if (found !== undefined) return found;
      if (reportOnly) throw new NotRun();
      const run = await compute();
      appendFileSync(file, `\n${JSON.stringify({ key, run })}\n`);
      known.set(key, run);
      return run;
    },
  };
}

/** A training that has not been run is asked for while only reporting. */
export class NotRun extends Error {}

/** Changes whenever the code that decides does, so that a decision kept is this code's own. */
export async function decisionFingerprint(): Promise<string> {
  const hash = createHash("sha256");
  for (const folder of ["measure", "plan", "job", "train"]) {
    const root = join(import.meta.dirname, "../src", folder);
    for (const name of (await readdir(root)).sort()) {
      if (!name.endsWith(".ts") || /\.(test|fixture)\.ts$/.test(name)) continue;
      hash.update(name).update(await readFile(join(root, name)));
    }
  }
  return hash.digest("hex").slice(0, 12);
}
