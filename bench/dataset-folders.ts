import { readdir } from "node:fs/promises";

/** A sample of the pretraining data is for reference cards, not for training. */
export const notForTraining: readonly string[] = ["imagenet-sample"];

/** The names of the datasets in a folder of datasets, in order. */
export async function datasetFolders(
  root: string,
  without: readonly string[] = notForTraining,
): Promise<string[]> {
  return (await readdir(root, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory() && !without.includes(entry.name))
    .map(({ name }) => name)
    .sort();
}
