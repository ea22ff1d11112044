import { ThawError } from "../errors.ts";

/** Joins names below the root of a dataset with `/`. */
export function join(...parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join("/");
}

/** The last name of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** The folder a path lies in, `""` for the root. */
export function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

/** Lower-case extension without the dot, empty where there is none. */
export function extensionOf(path: string): string {
  return /\.([^./]+)$/.exec(baseName(path))?.[1]?.toLowerCase() ?? "";
}

/**
 * A path as a manifest gives it, made relative to the dataset's root.
 * Backslashes count as separators, so manifests written on Windows work everywhere.
 * @param folder where the manifest lies, relative to the root
 * @throws ThawError `data/unsafe-path` when it leads outside the root or is no path at all
 */
export function resolveInside(root: string, folder: string, given: string, where: string): string {
  const path = given.replaceAll("\\", "/");
  const base = root.replaceAll("\\", "/").replace(/\/$/, "");
  const absolute = path.startsWith("/") || /^[a-z]:\//i.test(path);
  if (path.includes("\0") || (absolute && !path.startsWith(`${base}/`))) throw unsafe(given, where);
  const names: string[] = [];
  const relative = absolute ? path.slice(base.length) : join(folder, path);
  for (const name of relative.split("/")) {
    if (name === "" || name === ".") continue;
    if (name !== "..") names.push(name);
    else if (names.pop() === undefined) throw unsafe(given, where);
  }
  if (names.length === 0) throw unsafe(given, where);
  return names.join("/");
}

function unsafe(given: string, where: string): ThawError {
  return new ThawError({
    code: "data/unsafe-path",
    what: `The path ${JSON.stringify(given)} leads outside the dataset's folder`,
    where,
    next: "Move the picture below the folder of the manifest and give its path relative to it.",
  });
}
