import { ThawError } from "../errors.ts";
import { collectSamples, type NamedSample, splitByName } from "./collect-samples.ts";
import type { Dataset, Split } from "./dataset.ts";
import type { OpenParquet } from "./parquet-file.ts";
import type { ReadonlyFileSystem } from "./readonly-file-system.ts";
import { baseName, folderOf } from "./relative-path.ts";

/**
 * A Hugging Face image dataset as parquet files. Samples are named `file.parquet#row`. The split
 * comes from the file name (`train-00000-of-00002.parquet`) or its folder.
 * @throws ThawError `data/parquet-unreadable`, `data/parquet-columns`, `data/parquet-classes`
 */
export async function readParquet(
  files: ReadonlyFileSystem,
  paths: readonly string[],
  open: OpenParquet,
): Promise<Dataset> {
  const named: NamedSample[] = [];
  let classes: readonly string[] | undefined;
  for (const path of paths) {
    const file = await open(files, path);
    if (classes !== undefined && file.classNames?.join("\0") !== classes.join("\0")) {
      throw new ThawError({
        code: "data/parquet-classes",
        what: "The parquet files do not agree on the classes",
        where: path,
        next: "Keep the files of one dataset together and others elsewhere.",
      });
    }
    classes = file.classNames ?? classes;
    const split = splitOf(path);
    for (const [row, className] of (await file.labels()).entries()) {
      named.push({ id: `${path}#${row}`, className, split });
    }
  }
  const present = new Set(named.map((sample) => sample.className));
  const kept = classes?.filter((name) => present.has(name));
  return { root: files.root, layout: "parquet", ...collectSamples(named, kept) };
}

function splitOf(path: string): Split | undefined {
  const prefix = /^[a-z]+/i.exec(baseName(path))?.[0] ?? "";
  return splitByName(prefix) ?? splitByName(baseName(folderOf(path)));
}
