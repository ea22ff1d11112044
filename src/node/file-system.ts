import { open, readdir, realpath, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Entry, ReadonlyFileSystem } from "../data/readonly-file-system.ts";
import { type FaultCode, ThawError } from "../errors.ts";

const largestRead = 2 ** 31 - 1;

/** A folder of this machine, for reading. */
export function openFolder(folder: string): ReadonlyFileSystem {
  const root = resolve(folder);
  return {
    root,
    list: async (path) => {
      const absolute = join(root, path);
      const names = await readdir(absolute).catch((cause) => {
        throw explain(cause, absolute);
      });
      return Promise.all(names.map((name) => entry(join(absolute, name), name)));
    },
    size: async (path) => (await file(join(root, path))).size,
    read: (path, start, end) => read(join(root, path), start, end),
  };
}

async function entry(absolute: string, name: string): Promise<Entry> {
  try {
    const found = await stat(absolute);
    if (found.isFile()) return { name, kind: "file" };
    if (found.isDirectory()) return { name, kind: "folder", identity: await realpath(absolute) };
  } catch {
    // A link to nothing or to itself, or a name that vanished meanwhile: not worth stopping for.
  }
  return { name, kind: "broken" };
}

async function file(absolute: string) {
  const found = await stat(absolute).catch((cause) => {
    throw explain(cause, absolute);
  });
  if (found.isFile()) return found;
  throw fault("data/not-a-file", "This is not a file", absolute, "Give the path of a file.");
}

async function read(absolute: string, start = 0, end?: number) {
  const { size } = await file(absolute);
  const length = Math.min(end ?? size, size) - start;
  if (length > largestRead) {
    throw fault("data/too-large", "The file is too large to read", absolute, "Remove it.");
  }
  const bytes = new Uint8Array(Math.max(0, length));
  const handle = await open(absolute).catch((cause) => {
    throw explain(cause, absolute);
  });
  try {
    let filled = 0;
    while (filled < bytes.length) {
      const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, start + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return filled === bytes.length ? bytes : bytes.slice(0, filled);
  } finally {
    await handle.close();
  }
}

/** Why a path cannot be read, in words. */
export function explain(cause: unknown, where: string): ThawError {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (code === "ENOENT") {
    return fault(
      "data/missing",
      "There is nothing at this path",
      where,
      "Check the spelling.",
      cause,
    );
  }
  if (code === "ENOTDIR") {
    return fault(
      "data/not-a-folder",
      "This is a file, not a folder",
      where,
      "Give a folder.",
      cause,
    );
  }
  const why = cause instanceof Error ? cause.message : String(cause);
  return fault("data/no-access", why, where, "Check that you may read it.", cause);
}

function fault(code: FaultCode, what: string, where: string, next: string, cause?: unknown) {
  return new ThawError({ code, what, where, next }, cause);
}
