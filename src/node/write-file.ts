import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { ThawError } from "../errors.ts";

/**
 * Writes a file, whole or in pieces, so that a reader sees either the old content or all of the
 * new: a temporary file beside it, flushed to the disk, then renamed over it.
 * @throws ThawError `node/disk-full`, `node/unwritable`
 */
export async function writeFileAtomic(
  path: string,
  content: Uint8Array | string | readonly Uint8Array[],
): Promise<void> {
  const pieces = typeof content === "string" || ArrayBuffer.isView(content) ? [content] : content;
  const temporary = temporaryName(path);
  try {
    const file = await open(temporary, "w");
    try {
      for (const piece of pieces) await file.writeFile(piece);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw writeFault(path, cause);
  }
}

/** The name a file bears while this process writes or removes it. */
export function temporaryName(path: string): string {
  return `${path}.${process.pid}.tmp`;
}

/** Whether a name is one of `temporaryName`, left over where the process is gone. */
export function isTemporary(name: string): boolean {
  return /\.\d+\.tmp$/.test(name);
}

/** Without this a rename may be undone by a power cut; platforms that cannot do it do not need it. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r").catch(() => undefined);
  if (folder === undefined) return;
  await folder.sync().catch(() => undefined);
  await folder.close();
}

/** The typed error for a failed write to `path`. */
export function writeFault(path: string, cause: unknown): ThawError {
  const code = errorCode(cause);
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new ThawError(
      {
        code: "node/disk-full",
        what: "The disk is full; everything written before is kept",
        where: path,
        next: "Free some space, then run `thaw resume` on the run's folder.",
      },
      cause,
    );
  }
  return new ThawError(
    {
      code: "node/unwritable",
      what:
        (code === undefined ? undefined : reasons[code]) ??
        `Cannot write here (${code ?? String(cause)})`,
      where: path,
      next: "Choose another place, or change what is there.",
    },
    cause,
  );
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: "You may not write here",
  EPERM: "You may not write here",
  EROFS: "This file system is read-only",
  EEXIST: "There is a file where a folder should go",
  ENOTDIR: "Something on the way to this place is a file, not a folder",
  ENOENT: "No folder can be made here",
  ENAMETOOLONG: "The name is too long",
};

/** The system's code of a failed call, such as `ENOENT`. */
export function errorCode(cause: unknown): string | undefined {
  return cause instanceof Error && "code" in cause && typeof cause.code === "string"
    ? cause.code
    : undefined;
}
