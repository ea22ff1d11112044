import { ThawError } from "../errors.ts";
import type { Dataset } from "./dataset.ts";
import { type OpenParquet, ParquetFile } from "./parquet-file.ts";
import { readFolders } from "./read-folders.ts";
import { readImageFolder } from "./read-imagefolder.ts";
import { looksLikeManifest, readManifest, readRows } from "./read-manifest.ts";
import { readParquet } from "./read-parquet.ts";
import type { Entry, ReadonlyFileSystem } from "./readonly-file-system.ts";
import { extensionOf } from "./relative-path.ts";
import { type Ignored, isPictureName, listVisible, walk } from "./walk.ts";

/** A dataset with what lay beside its pictures. */
export interface ReadDataset {
  readonly dataset: Dataset;
  readonly ignored: readonly Ignored[];
}

const manifestExtensions = new Set(["csv", "tsv", "jsonl", "ndjson"]);

/**
 * Finds out what a folder holds and reads it: `imagefolder` metadata with labels, a folder a
 * class, a manifest, or parquet files, tried in this order. No picture is opened.
 * @param file a manifest or parquet file to read instead of looking around
 * @param openParquet how parquet files are opened; in place where absent
 * @throws ThawError `data/empty-folder`, `data/no-pictures`, `data/no-class-folders`,
 * `data/unknown-file`, and what the readers throw
 */
export async function readDataset(
  files: ReadonlyFileSystem,
  file?: string,
  openParquet: OpenParquet = ParquetFile.open,
): Promise<ReadDataset> {
  const ignored: Ignored[] = [];
  const dataset =
    file === undefined
      ? await readFolder(files, ignored, openParquet)
      : await readFile(files, file, ignored, openParquet);
  if (dataset.samples.length === 0) throw noPictures(files.root);
  return { dataset, ignored };
}

async function readFile(
  files: ReadonlyFileSystem,
  file: string,
  ignored: Ignored[],
  openParquet: OpenParquet,
) {
  const extension = extensionOf(file);
  if (extension === "parquet") return readParquet(files, [file], openParquet);
  if (manifestExtensions.has(extension)) return readManifest(files, file, ignored);
  throw new ThawError({
    code: "data/unknown-file",
    what: "This is a file, not a folder of pictures",
    where: `${files.root}/${file}`,
    next: "Give a folder (an archive must be unpacked first), a CSV or JSONL manifest, or a parquet file.",
  });
}

async function readFolder(
  files: ReadonlyFileSystem,
  ignored: Ignored[],
  openParquet: OpenParquet,
): Promise<Dataset> {
  const entries = await listVisible(files, "");
  if (entries.length === 0) {
    throw new ThawError({
      code: "data/empty-folder",
      what: "The folder is empty",
      where: files.root,
      next: "Put one folder of pictures for each class into it.",
    });
  }
  const beside: Ignored[] = [];
  const found = (await readImageFolder(files, beside)) ?? (await readFolders(files, beside));
  const sorted = found !== undefined && (found.classes.length > 1 || found.layout !== "folders");
  const dataset = sorted ? found : ((await readListed(files, entries, ignored)) ?? found);
  if (dataset !== undefined) {
    if (dataset === found) for (const entry of beside) ignored.push(entry);
    return dataset;
  }
  const paths = await walk(files, "", []);
  const parquet = paths.filter((path) => extensionOf(path) === "parquet");
  if (parquet.length > 0) return readParquet(files, parquet, openParquet);
  throw paths.some(isPictureName) ? noClassFolders(files.root) : noPictures(files.root);
}

/** A single folder of pictures with a manifest beside it is sorted by the manifest. */
async function readListed(
  files: ReadonlyFileSystem,
  entries: readonly Entry[],
  ignored: Ignored[],
): Promise<Dataset | undefined> {
  for (const { name, kind } of entries) {
    if (kind !== "file" || !manifestExtensions.has(extensionOf(name))) continue;
    if (looksLikeManifest(await readRows(files, name))) return readManifest(files, name, ignored);
  }
  return undefined;
}

function noPictures(where: string): ThawError {
  return new ThawError({
    code: "data/no-pictures",
    what: "There is no picture here",
    where,
    next: "Thaw reads JPEG, PNG, WebP, GIF, TIFF, BMP and AVIF, in one folder for each class.",
  });
}

function noClassFolders(where: string): ThawError {
  return new ThawError({
    code: "data/no-class-folders",
    what: "The pictures lie side by side, so their classes are not known",
    where,
    next: "Sort them into one folder for each class, or add a manifest with `path` and `label`.",
  });
}
