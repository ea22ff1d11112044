import { stat } from "node:fs/promises";
import { join } from "node:path";
import { isPictureName, walk } from "../data/walk.ts";
import { type Fault, ThawError } from "../errors.ts";
import { openFolder } from "../node/file-system.ts";
import type { JobContext } from "./events.ts";
import { load, type Prediction, type Predictor } from "./predictor.ts";

/** One picture's prediction, or why there is none. */
export type FilePrediction =
  | ({ readonly picture: string } & Prediction)
  | { readonly picture: string; readonly fault: Fault };

/** Predictions as they come, and the classes they are about. */
export interface FilePredictions {
  readonly labels: readonly string[];
  readonly rows: AsyncIterable<FilePrediction>;
}

/**
 * Predicts every picture of some files and folders, in order. A picture that cannot be read does
 * not end the others.
 * @throws ThawError `data/missing`, `data/no-pictures`, and what `load` throws
 */
export async function predictFiles(
  modelOrRun: string,
  paths: readonly string[],
  { threads }: { readonly threads?: number | undefined } = {},
  context: JobContext = {},
): Promise<FilePredictions> {
  const pictures = (await Promise.all(paths.map(picturesAt))).flat();
  if (pictures.length === 0) {
    throw new ThawError({
      code: "data/no-pictures",
      what: "There is no picture here",
      where: paths.join(", "),
      next: "Give pictures (JPEG, PNG, WebP, GIF, TIFF, BMP, AVIF) or folders with some.",
    });
  }
  const predictor = await load(modelOrRun, threads === undefined ? {} : { threads });
  return { labels: predictor.labels, rows: predictAll(predictor, pictures, context) };
}

async function* predictAll(
  predictor: Predictor,
  pictures: readonly string[],
  { onEvent, signal }: JobContext,
): AsyncGenerator<FilePrediction> {
  try {
    let done = 0;
    for (const picture of pictures) {
      signal?.throwIfAborted();
      try {
        yield { picture, ...(await predictor.predict(picture)) };
      } catch (cause) {
        if (!(cause instanceof ThawError)) throw cause;
        yield { picture, fault: cause.fault };
      }
      onEvent?.({ kind: "progress", done: ++done, total: pictures.length });
    }
  } finally {
    await predictor.close();
  }
}

async function picturesAt(path: string): Promise<string[]> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) return [path];
  const inside = await walk(openFolder(path), "", []);
  return inside.filter(isPictureName).map((name) => join(path, name));
}
