import { resolve } from "node:path";
import { carryOut } from "./carry-out.ts";
import type { JobContext } from "./events.ts";
import { parseOptions, type TrainOptions, trainOptions } from "./options.ts";
import type { TrainResult } from "./result.ts";
import { createRun, nextRunPath, openRun } from "./run-folder.ts";

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
  try {
    return await carryOut(run, context);
  } finally {
    await run.unlock();
  }
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
  } finally {
    await run.unlock();
  }
}
