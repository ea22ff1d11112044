import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { ThawError } from "../errors.ts";
import { carryOut } from "./carry-out.ts";
import type { JobContext } from "./events.ts";
import { parseOptions, type TrainOptions, trainOptions } from "./options.ts";
import type { TrainResult } from "./result.ts";
import { createRun, nextRunPath, openRun, type RunFolder } from "./run-folder.ts";

/**
 * Fine-tunes a pretrained network on a folder of pictures: inspects, decides what to freeze,
 * trains, checks, evaluates on held-out pictures and writes model and report into a new folder.
 * @throws ThawError `data/*`, `models/*`, `node/*`, `train/*`, `job/*`; the signal's reason
 */
export async function train(
  folder: string,
  options: Partial<TrainOptions> = {},
  context: JobContext = {},
): Promise<TrainResult> {
  const asked = parseOptions(trainOptions, options);
  const out = asked.out ?? (await nextRunPath(folder));
  const run = await createRun(out, { folder: resolve(folder), options: asked });
  // From the plan on the folder stays, whatever happens; before, it would be named for nothing.
  const write: RunFolder["write"] = async (name, content) => {
    await run.write(name, content);
    if (name === "plan") context.onEvent?.({ kind: "note", says: `This run goes into ${out}` });
  };
  let leave = run.unlock;
  try {
    return await carryOut({ ...run, write }, context);
  } catch (cause) {
    if (wasStopped(context.signal, cause)) throw stopped(out, cause);
    // A mistake told before there is a plan leaves no folder that would be in the way of the next try.
    if (isRefusal(cause) && !existsSync(run.file("plan"))) leave = run.discard;
    throw cause;
  } finally {
    await leave();
  }
}

/** Whether a failure comes of the caller's stop; a fault of its own that met it does not. */
function wasStopped(signal: AbortSignal | undefined, cause: unknown): boolean {
  return signal?.aborted === true && (!(cause instanceof ThawError) || stems(cause, signal.reason));
}

function stems(cause: unknown, from: unknown): boolean {
  return cause === from || (cause instanceof Error && stems(cause.cause, from));
}

/** What a caller who stopped a run is told: where it is, and how to go on. */
function stopped(run: string, cause: unknown): ThawError {
  return new ThawError(
    {
      code: "job/stopped",
      what: "The run was stopped; what it finished is kept",
      where: run,
      next: `Go on with \`thaw resume ${run}\`.`,
      details: { run },
    },
    cause,
  );
}

/** Whether the same command fails again unless something is changed; a full disk may be freed. */
function isRefusal(cause: unknown): boolean {
  return cause instanceof ThawError && cause.fault.code !== "node/disk-full";
}

/**
 * Goes on with a run that was stopped or killed, to the same bytes as if it never had been. A
 * finished run is only read.
 * @param acceptChanges goes on although pictures have changed since, from the beginning
 * @throws ThawError `job/no-run`, `job/dataset-changed`, `node/locked`, and what `train` throws
 */
export async function resume(
  runFolder: string,
  { acceptChanges = false }: { readonly acceptChanges?: boolean } = {},
  context: JobContext = {},
): Promise<TrainResult> {
  const run = await openRun(runFolder);
  try {
    return await carryOut(run, context, acceptChanges);
  } catch (cause) {
    throw wasStopped(context.signal, cause) ? stopped(runFolder, cause) : cause;
  } finally {
    await run.unlock();
  }
}
