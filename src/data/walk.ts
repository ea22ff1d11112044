import { ThawError } from "../errors.ts";
import { naturalOrder } from "./natural-order.ts";
import type { ReadonlyFileSystem } from "./readonly-file-system.ts";
import { extensionOf, join } from "./relative-path.ts";

/** A file or folder that is not part of the dataset, and why. */
export interface Ignored {
  readonly path: string;
  readonly why: string;
}

/** File extensions of the formats Thaw reads; the content decides in the end. */
export const pictureExtensions: ReadonlySet<string> = new Set(
  "jpg jpeg jpe jfif png webp gif tif tiff bmp dib avif".split(" "),
);

export function isPictureName(path: string): boolean {
  return pictureExtensions.has(extensionOf(path));
}

/** What operating systems and tools leave behind; not worth a line in the audit. */
export function isHidden(name: string): boolean {
  return (
    name.startsWith(".") || ["__macosx", "thumbs.db", "desktop.ini"].includes(name.toLowerCase())
  );
}

/** The visible entries of a folder, in natural order. */
export async function listVisible(files: ReadonlyFileSystem, folder: string) {
  const entries = (await files.list(folder)).filter((entry) => !isHidden(entry.name));
  return entries.sort((a, b) => naturalOrder(a.name, b.name));
}

/**
 * Every visible file below a folder, in natural order, folders entered where they stand.
 * @throws ThawError `data/link-loop` when a linked folder contains itself
 */
export async function walk(
  files: ReadonlyFileSystem,
  folder: string,
  ignored: Ignored[],
  ancestors: readonly string[] = [],
): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await listVisible(files, folder)) {
    const path = join(folder, entry.name);
    if (entry.kind === "file") found.push(path);
    else if (entry.kind === "broken")
      ignored.push({ path, why: "cannot be opened (broken link?)" });
    else {
      const identity = entry.identity ?? path;
      if (ancestors.includes(identity)) throw linkLoop(path);
      for (const file of await walk(files, path, ignored, [...ancestors, identity]))
        found.push(file);
    }
  }
  return found;
}

/** The pictures below a folder; everything else goes on the list of ignored files. */
export async function walkPictures(
  files: ReadonlyFileSystem,
  folder: string,
  ignored: Ignored[],
): Promise<string[]> {
  const pictures: string[] = [];
  for (const path of await walk(files, folder, ignored)) {
    if (isPictureName(path)) pictures.push(path);
    else ignored.push({ path, why: "not a picture by its extension" });
  }
  return pictures;
}

function linkLoop(where: string): ThawError {
  return new ThawError({
    code: "data/link-loop",
    what: "A folder contains a link to itself or to a folder above it",
    where,
    next: "Remove the symbolic link.",
  });
}
