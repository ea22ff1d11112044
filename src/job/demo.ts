import { readdir, readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { z } from "zod";
import { ThawError } from "../errors.ts";
import { copyDemoPictures } from "../node/demo-pictures.ts";
import { makeFolder } from "../node/make-folder.ts";
import type { JobContext } from "./events.ts";
import type { TrainOptions } from "./options.ts";
import { load } from "./predictor.ts";
import type { TrainResult } from "./result.ts";
import { runFiles } from "./run-folder.ts";
import { train } from "./train.ts";

/** What a demo shows: a training on real pictures, and what the model says of held-out ones. */
export interface Demo {
  readonly pictures: string;
  readonly result: TrainResult;
  readonly predictions: readonly {
    readonly picture: string;
    readonly truth: string;
    readonly label: string;
    readonly probability: number;
  }[];
}

const splits = z.array(z.object({ path: z.string(), label: z.string(), split: z.string() }));

/**
 * Fetches real pictures, trains on them and asks the model about one held-out picture a class.
 * @param out an empty or new folder; `thaw-demo` or the next free name when absent
 * @throws ThawError `job/out-not-empty`, and what `train` throws
 */
export async function demo(
  { out, images, ...options }: Partial<TrainOptions> & { readonly images?: number },
  context: JobContext = {},
): Promise<Demo> {
  const folder = resolve(out ?? (await freeName()));
  await makeFolder(folder);
  if ((await readdir(folder)).length > 0) {
    throw new ThawError({
      code: "job/out-not-empty",
      what: "The demo's folder is not empty",
      where: folder,
      next: "Choose a new folder with --out; Thaw never writes over what is there.",
    });
  }
  context.onEvent?.({ kind: "phase", says: "Fetching pictures: emoji, a folder a kind" });
  const pictures = join(folder, "pictures");
  await copyDemoPictures(pictures, images);
  const result = await train(pictures, { ...options, out: join(folder, "emoji") }, context);
  return { pictures, result, predictions: await ask(pictures, result.run) };
}

async function ask(pictures: string, run: string): Promise<Demo["predictions"]> {
  const rows = splits.parse(JSON.parse(await readFile(join(run, runFiles.splits), "utf8")));
  const heldOut = rows.filter(({ split }) => split === "test");
  const labels = [...new Set(heldOut.map(({ label }) => label))];
  const predictor = await load(run);
  try {
    return await Promise.all(
      labels.map(async (truth) => {
        const path = heldOut.find(({ label }) => label === truth)?.path ?? "";
        const { label, probability } = await predictor.predict(join(pictures, path));
        return { picture: basename(path), truth, label, probability };
      }),
    );
  } finally {
    await predictor.close();
  }
}

async function freeName(): Promise<string> {
  const taken = new Set(await readdir("."));
  for (let number = 1; ; number++) {
    const name = number === 1 ? "thaw-demo" : `thaw-demo-${number}`;
    if (!taken.has(name)) return name;
  }
}
