import { ThawError } from "../errors.ts";
import { collectSamples, type NamedSample, splitByName } from "./collect-samples.ts";
import type { Dataset, Split } from "./dataset.ts";
import { type ManifestRow, manifestRows } from "./manifest-rows.ts";
import type { ReadonlyFileSystem } from "./readonly-file-system.ts";
import { folderOf, resolveInside } from "./relative-path.ts";
import type { Ignored } from "./walk.ts";

const columnNames = {
  path: [
    "path",
    "file",
    "filename",
    "file_name",
    "filepath",
    "file_path",
    "image",
    "image_path",
    "image_file",
    "img",
    "picture",
  ],
  label: ["label", "labels", "class", "class_name", "classname", "category", "target", "species"],
  split: ["split", "set", "subset", "partition"],
  group: ["group", "group_id", "patient", "patient_id", "subject", "subject_id"],
} as const;

type Column = keyof typeof columnNames;

const largestManifest = 1 << 28;
/** A row takes half a kilobyte while it is read, however short it is. */
const mostLines = 3_000_000;

/** Whether a file's first rows name pictures and their classes. */
export function looksLikeManifest(rows: readonly ManifestRow[]): boolean {
  const first = rows[0];
  return (
    first !== undefined && cell(first, "path") !== undefined && cell(first, "label") !== undefined
  );
}

/** The rows of a manifest. @throws ThawError `data/too-large`, `data/manifest-malformed` */
export async function readRows(files: ReadonlyFileSystem, file: string): Promise<ManifestRow[]> {
  const size = await files.size(file);
  if (size > largestManifest) {
    throw tooLarge(file, `${Math.round(size / 2 ** 20)} MB`, `${largestManifest / 2 ** 20}`);
  }
  const bytes = await files.read(file);
  const lines = countLines(bytes);
  if (lines > mostLines) throw tooLarge(file, `${lines} lines`, `${mostLines}`);
  return manifestRows(new TextDecoder().decode(bytes), file);
}

function countLines(bytes: Uint8Array): number {
  let lines = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) lines++;
  return lines;
}

function tooLarge(file: string, found: string, most: string): ThawError {
  return new ThawError({
    code: "data/too-large",
    what: `The manifest has ${found}; at most ${most} are read`,
    where: file,
    next: "Keep only the columns path, label, split and group, or split the dataset.",
  });
}

/**
 * A CSV or JSON-lines manifest; the picture paths are relative to the manifest's own folder.
 * @throws ThawError `data/manifest-columns`, `data/manifest-row`, `data/unsafe-path`, `data/two-labels`
 */
export async function readManifest(
  files: ReadonlyFileSystem,
  file: string,
  ignored: Ignored[],
): Promise<Dataset> {
  const named = namedRows(files.root, file, await readRows(files, file), undefined, ignored);
  return { root: files.root, layout: "manifest", ...collectSamples(named) };
}

/**
 * Turns manifest rows into samples.
 * @param split what to assume where a row names none
 */
export function namedRows(
  root: string,
  file: string,
  rows: readonly ManifestRow[],
  split: Split | undefined,
  ignored: Ignored[],
): NamedSample[] {
  if (!looksLikeManifest(rows)) throw columnsMissing(file, rows[0]);
  const seen = new Map<string, string>();
  const named: NamedSample[] = [];
  for (const row of rows) {
    const where = `${file}:${row.line}`;
    const path = cell(row, "path") ?? "";
    const className = (cell(row, "label") ?? "").trim();
    if (path === "" || className === "") throw rowIncomplete(where, path === "" ? "path" : "label");
    const id = resolveInside(root, folderOf(file), path, where);
    const before = seen.get(id);
    if (before !== undefined && before !== className) throw twoLabels(where, id, before, className);
    if (before !== undefined) {
      ignored.push({ path: id, why: `listed twice, again in ${where}` });
      continue;
    }
    seen.set(id, className);
    named.push({
      id,
      className,
      split: rowSplit(row, where) ?? split,
      group: cell(row, "group") || undefined,
    });
  }
  return named;
}

function rowSplit(row: ManifestRow, where: string): Split | undefined {
  const given = cell(row, "split") ?? "";
  if (given === "") return undefined;
  const known = splitByName(given);
  if (known !== undefined) return known;
  throw new ThawError({
    code: "data/manifest-row",
    what: `${JSON.stringify(given)} is no split`,
    where,
    next: "Write train, val or test, or leave the cell empty.",
  });
}

function cell(row: ManifestRow, column: Column): string | undefined {
  for (const name of columnNames[column]) {
    const index = row.columns.indexOf(name);
    if (index >= 0) return row.cells[index];
  }
  return undefined;
}

function columnsMissing(file: string, first: ManifestRow | undefined): ThawError {
  const found = first === undefined ? "no rows" : `the columns ${first.columns.join(", ")}`;
  return new ThawError({
    code: "data/manifest-columns",
    what: `The manifest needs a column for the path and one for the label; it has ${found}`,
    where: file,
    next: "Name them `path` and `label`; `split` and `group` may follow.",
  });
}

function rowIncomplete(where: string, column: string): ThawError {
  return new ThawError({
    code: "data/manifest-row",
    what: `A row has no ${column}`,
    where,
    next: "Fill the cell or remove the row.",
  });
}

function twoLabels(where: string, id: string, a: string, b: string): ThawError {
  return new ThawError({
    code: "data/two-labels",
    what: `${id} is listed as "${a}" and as "${b}"`,
    where,
    next: "Keep one of the two rows: a picture has one class.",
  });
}
