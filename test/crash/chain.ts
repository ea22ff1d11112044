import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { runFiles } from "../../src/job/run-folder.ts";
import { type JobRequest, runJob } from "./job-process.ts";

/** When a process dies: at a write point, or so many milliseconds after it began. */
export type Kill = { readonly point: string; readonly nth: number } | { readonly after: number };

/** A run that was killed and resumed until it was done. */
export interface Chain {
  readonly outcome: "same" | "lost" | "different";
  /** Those of the kills that came before the run was done. */
  readonly struck: readonly Kill[];
  /** What the last process said, where the run was lost. */
  readonly says: string;
}

const compared = ["model", "quantised", "metrics", "plan", "splits"] as const;

/** SHA-256 over everything of a run that must not depend on interruptions. */
export async function fingerprintOf(run: string): Promise<string> {
  const hash = createHash("sha256");
  for (const name of compared) {
    const path = join(run, runFiles[name]);
    if (existsSync(path)) hash.update(`${name}\n`).update(await readFile(path));
  }
  return hash.digest("hex");
}

/** Carries a run out with a kill in each of its first processes. */
export async function runChain(
  job: Omit<JobRequest, "action">,
  kills: readonly Kill[],
  expected: string,
): Promise<Chain> {
  const struck: Kill[] = [];
  for (const kill of [...kills, undefined]) {
    // A run that was killed before it had a description is begun again by the same command.
    const action = existsSync(join(job.run, runFiles.run)) ? "resume" : "train";
    const named = kill !== undefined && "point" in kill;
    const { killed, end, errors } = await runJob(
      { ...job, action, ...(named ? { fault: kill } : {}) },
      kill !== undefined && !named ? { killAfter: kill.after } : {},
    );
    if (killed && kill !== undefined) {
      struck.push(kill);
      continue;
    }
    if (end?.kind === "done") {
      const same = (await fingerprintOf(job.run)) === expected;
      return { outcome: same ? "same" : "different", struck, says: "" };
    }
    return { outcome: "lost", struck, says: `${JSON.stringify(end)} ${errors}` };
  }
  return { outcome: "lost", struck, says: "it was killed without being told to" };
}
