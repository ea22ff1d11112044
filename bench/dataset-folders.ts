import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

/** A sample of the pretraining data is for reference cards, not for training. */
export const notForTraining: readonly string[] = ["imagenet-sample"];

/** The names of the datasets in a folder of datasets, in order. */
export async function datasetFolders(
  root: string,
  without: readonly string[] = notForTraining,
): Promise<string[]> {
  const found: string[] = [];
  for (const name of (await readdir(root)).sort()) {
    if (!without.includes(name) && (await stat(join(root, name))).isDirectory()) found.push(name);
  }
  return found;
}
