import { collectSamples, type NamedSample, splitByName } from "./collect-samples.ts";
import type { Dataset, Split } from "./dataset.ts";
import { looksLikeManifest, namedRows, readRows } from "./read-manifest.ts";
import type { ReadonlyFileSystem } from "./readonly-file-system.ts";
import { join } from "./relative-path.ts";
import { type Ignored, listVisible } from "./walk.ts";

const metadataName = /^metadata\.(csv|jsonl)$/i;

/**
 * Hugging Face's `imagefolder` with `metadata.csv` or `metadata.jsonl`, in the root or in each of
 * `train/ val/ test/`. Undefined when there is none, or it carries no label (captions, boxes):
 * then the folders are the classes.
 * Source: https://huggingface.co/docs/datasets/image_dataset
 */
export async function readImageFolder(
  files: ReadonlyFileSystem,
  ignored: Ignored[],
): Promise<Dataset | undefined> {
  const named: NamedSample[] = [];
  for (const { file, split } of await metadataFiles(files)) {
    const rows = await readRows(files, file);
    if (!looksLikeManifest(rows)) return undefined;
    for (const row of namedRows(files.root, file, rows, split, ignored)) named.push(row);
  }
  if (named.length === 0) return undefined;
  return { root: files.root, layout: "imagefolder", ...collectSamples(named) };
}

async function metadataFiles(files: ReadonlyFileSystem) {
  const found: { file: string; split: Split | undefined }[] = [];
  for (const { name, kind } of await listVisible(files, "")) {
    if (kind === "file" && metadataName.test(name)) found.push({ file: name, split: undefined });
    const split = kind === "folder" ? splitByName(name) : undefined;
    if (split === undefined) continue;
    for (const inner of await listVisible(files, name)) {
      if (metadataName.test(inner.name)) found.push({ file: join(name, inner.name), split });
    }
  }
  return found;
}
