import { ThawError } from "../errors.ts";
import { collectSamples, type NamedSample, splitByName } from "./collect-samples.ts";
import type { Dataset, Split } from "./dataset.ts";
import type { ReadonlyFileSystem } from "./readonly-file-system.ts";
import { join } from "./relative-path.ts";
import { type Ignored, isPictureName, listVisible, walkPictures } from "./walk.ts";

/**
 * A folder a class, or `train/ val/ test/` with the classes inside. Pictures in folders within a
 * class folder belong to that class. Undefined when no picture lies in any folder.
 * @throws ThawError `data/nested-classes` when the classes lie one folder further down
 */
export async function readFolders(
  files: ReadonlyFileSystem,
  ignored: Ignored[],
): Promise<Dataset | undefined> {
  const folders = await folderNames(files, "");
  const splits = folders.filter((name) => splitByName(name) !== undefined);
  const isSplit = splits.some((name) => splitByName(name) === "train");
  const named: NamedSample[] = [];
  if (isSplit) {
    for (const name of splits) {
      await readClasses(files, name, splitByName(name), named, ignored);
    }
    for (const name of folders.filter((folder) => !splits.includes(folder))) {
      ignored.push({ path: name, why: "stands beside train, val and test and is none of them" });
    }
  } else {
    await readClasses(files, "", undefined, named, ignored);
  }
  await ignoreLooseFiles(files, "", ignored);
  if (named.length === 0) return undefined;
  if (!isSplit) refuseNested(files, named);
  const layout = isSplit ? "split-folders" : "folders";
  return { root: files.root, layout, ...collectSamples(named) };
}

async function readClasses(
  files: ReadonlyFileSystem,
  folder: string,
  split: Split | undefined,
  named: NamedSample[],
  ignored: Ignored[],
): Promise<void> {
  for (const className of await folderNames(files, folder)) {
    const path = join(folder, className);
    const pictures = await walkPictures(files, path, ignored);
    if (pictures.length === 0) ignored.push({ path, why: "holds no picture" });
    for (const id of pictures) named.push({ id, className, split });
  }
  if (folder !== "") await ignoreLooseFiles(files, folder, ignored);
}

async function folderNames(files: ReadonlyFileSystem, folder: string): Promise<string[]> {
  const entries = await listVisible(files, folder);
  return entries.filter((entry) => entry.kind === "folder").map((entry) => entry.name);
}

async function ignoreLooseFiles(
  files: ReadonlyFileSystem,
  folder: string,
  ignored: Ignored[],
): Promise<void> {
  for (const { name, kind } of await listVisible(files, folder)) {
    if (kind === "folder") continue;
    const why = isPictureName(name) ? "lies outside any class folder" : "not a picture";
    ignored.push({ path: join(folder, name), why });
  }
}

function refuseNested(files: ReadonlyFileSystem, named: readonly NamedSample[]): void {
  const classes = new Set(named.map((sample) => sample.className));
  const [only] = classes;
  if (classes.size !== 1 || only === undefined) return;
  const inside = named.map((sample) => sample.id.slice(only.length + 1).split("/"));
  const folders = new Set(inside.map((names) => (names.length > 1 ? names[0] : undefined)));
  if (folders.has(undefined) || folders.size < 2) return;
  throw new ThawError({
    code: "data/nested-classes",
    what: `All pictures lie in ${folders.size} folders inside the single folder "${only}"`,
    where: files.root,
    next: `Give Thaw the folder inside: ${join(files.root, only)}`,
  });
}
