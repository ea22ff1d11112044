import { z } from "zod";
import { DecodedPictures } from "../node/decoded-pictures.ts";
import { checkPlan } from "./check-plan.ts";
import { surveyCodec } from "./codecs.ts";
import type { JobContext } from "./events.ts";
import { tabulateFeatures } from "./features.ts";
import { fineTune } from "./fine-tune.ts";
import { finish, readFinished } from "./finish.ts";
import { freeBytes } from "./free-bytes.ts";
import { openLoader, planFor } from "./inspect.ts";
import { openNetwork } from "./network.ts";
import { readPictures } from "./pictures.ts";
import type { TrainResult } from "./result.ts";
import type { RunFolder } from "./run-folder.ts";
import { checkSameNetwork } from "./same-network.ts";
import { checkSamePictures } from "./same-pictures.ts";
import { json, openSteps } from "./steps.ts";
import { startStopwatch } from "./stopwatch.ts";
import { survey } from "./survey.ts";
import { trainProbe } from "./train-probe.ts";
import { layOut } from "./workbench.ts";

/**
 * Carries out a run from its last finished step: look, measure, decide, probe, check, fine-tune,
 * evaluate, write. Steps that finished before are read, not computed again.
 */
export async function carryOut(
  run: RunFolder,
  context: JobContext,
  acceptChanges = false,
): Promise<TrainResult> {
  const finished = await readFinished(run);
  if (finished !== undefined) return finished;
  const decoded = new DecodedPictures();
  try {
    return await carryOutFrom(decoded, run, context, acceptChanges);
  } finally {
    decoded.close();
    // Who stops a run may go on with it.
    if (context.signal?.aborted !== true) await run.forget("scratch");
  }
}

/** What earlier processes spent on the run, by part. */
const secondsCodec = json(z.record(z.string(), z.number().nonnegative()));

async function carryOutFrom(
  decoded: DecodedPictures,
  run: RunFolder,
  context: JobContext,
  acceptChanges: boolean,
): Promise<TrainResult> {
  const { folder, options } = run.asked;
  const damaged = (file: string) =>
    context.onEvent?.({
      kind: "note",
      says: `A checkpoint was damaged and is set aside; going on from the one before: ${file}`,
    });
  let steps = await openSteps(run.file("checkpoint"), damaged);
  const watch = startStopwatch(await steps.restore("seconds", secondsCodec));
  const lap = async (part: string) => {
    watch.lap(part);
    await steps.checkpoint("seconds", secondsCodec, watch.parts);
  };

  const pictures = await readPictures(folder, options, context, decoded);
  if (await checkSamePictures(pictures, steps, acceptChanges, folder)) {
    await run.forget("checkpoint");
    steps = await openSteps(run.file("checkpoint"), damaged);
    await checkSamePictures(pictures, steps, acceptChanges, folder);
  }
  await run.write("splits", splitsFile(pictures));
  const network = await openNetwork(options, context);
  await checkSameNetwork(network, steps, options.model);
  const loader = openLoader(pictures, network, options, context, decoded);
  try {
    const { measured, known } = await steps.once("survey", surveyCodec, () =>
      survey(pictures, network, loader, options, context),
    );
    const plan = planFor(pictures, network, measured, options);
    // The two facts and the rule come first, how it is checked last.
    const gist = [...plan.why.slice(0, 2), ...plan.why.slice(-1)];
    context.onEvent?.({ kind: "note", says: gist.join(" ") });
    await run.write("plan", `${JSON.stringify({ ...measured, plan }, null, 2)}\n`);
    await lap("measuring");

    // What fits on the disk decides how activations are kept, and so the last bits: once for a run.
    const disk = await steps.once("disk", json(z.object({ free: z.number() })), async () => ({
      free: await freeBytes(run.path),
    }));
    context.onEvent?.({ kind: "phase", says: "Training the linear probe" });
    const bench = layOut(pictures, network, loader, plan, {
      seed: options.seed,
      ...(options.threads === undefined ? {} : { threads: options.threads }),
      memoryMB: options.memoryMB,
      fileBytes: disk.free / 4,
      scratch: run.file("scratch"),
    });
    const features = await tabulateFeatures(bench, known, steps, context);
    const { train, val } = bench.examples;
    const probe = await trainProbe("probe", train, val, bench, features, steps, context);
    await lap("linear probe");

    const left = () =>
      options.minutes === undefined ? undefined : Math.max(0, options.minutes - watch.total() / 60);
    const late = left() === 0;
    if (late) {
      context.onEvent?.({
        kind: "note",
        says: "The time is used up: the linear probe is the result, nothing else is trained.",
      });
    }
    const checked = late
      ? undefined
      : await checkPlan(
          plan,
          measured,
          bench,
          pictures,
          features,
          run,
          steps,
          { minutes: left(), augmentation: options.augmentation },
          context,
        );
    if (checked !== undefined) await lap(plan.check === "race" ? "race" : "search");

    const arm = checked?.choice ?? {
      thawIndex: late
        ? network.candidates.length - 1
        : network.candidates.findIndex(({ value }) => value === plan.thawPoint.cut),
      augmentation: plan.augmentation,
      learningRate: plan.learningRate,
    };
    const tuned = await fineTune(arm, plan, {
      probe,
      bench,
      run,
      steps,
      minutes: left(),
      context,
    });
    if (tuned.fit !== undefined) await lap("training");

    return await finish({
      run,
      pictures,
      network,
      bench,
      features,
      measured,
      plan,
      probe,
      search: checked?.state,
      tuned,
      watch,
      context,
    });
  } finally {
    await loader.close();
  }
}

function splitsFile({ dataset, sides }: Awaited<ReturnType<typeof readPictures>>): string {
  const rows = dataset.samples.map(({ id, label }, index) => ({
    path: id,
    label: dataset.classes[label],
    split: sides[index],
  }));
  return `${JSON.stringify(rows, null, 1)}\n`;
}
