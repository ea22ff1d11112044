import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import envPaths from "env-paths";
import { z } from "zod";
import { writeFault, writeFileAtomic } from "./write-file.ts";

/** Lists a cached model's files with their digests; written last, so a folder with it is whole. */
const MANIFEST = "thaw-cache.json";
const manifest = z.object({ files: z.record(z.string(), z.string().regex(/^[0-9a-f]{64}$/)) });

/** Where fetched models are kept: `THAW_CACHE`, else the system's folder for caches. */
export function cacheFolder(): string {
  return process.env.THAW_CACHE || envPaths("thaw", { suffix: "" }).cache;
}

export interface CacheOptions {
  readonly cache?: string;
  /** Fetches again what is already there. */
  readonly refresh?: boolean;
}

/**
 * The folder with a fetched model, filled by `fetch` where it is not there yet or damaged. It
 * appears by rename, whole or not at all; of two processes that fetch at once one wins and both
 * use the winner's.
 * @param key path below the cache's `models` folder, made of safe names
 * @param fetch puts the model's files into an empty folder
 */
export async function cachedFolder(
  key: string,
  options: CacheOptions,
  fetch: (into: string) => Promise<void>,
): Promise<string> {
  const folder = join(options.cache ?? cacheFolder(), "models", key);
  if (options.refresh !== true && (await isWhole(folder))) return folder;
  await removeOld(dirname(folder));
  const temporary = `${folder}.${randomUUID()}.tmp`;
  try {
    await mkdir(temporary, { recursive: true }).catch((cause) => {
      throw writeFault(temporary, cause);
    });
    await fetch(temporary);
    const files: Record<string, string> = {};
    for (const name of await readdir(temporary)) files[name] = await sha256(join(temporary, name));
    await writeFileAtomic(join(temporary, MANIFEST), JSON.stringify({ files }, null, 1));
    await replaceFolder(temporary, folder, options.refresh === true);
    return folder;
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** What killed processes left; a day is longer than any download that still goes on. */
async function removeOld(parent: string): Promise<void> {
  for (const name of await readdir(parent).catch(() => [])) {
    if (!/\.[0-9a-f-]{36}\.(tmp|old)$/.test(name)) continue;
    const { mtimeMs } = await stat(join(parent, name)).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > abandonedMs) {
      await rm(join(parent, name), { recursive: true, force: true });
    }
  }
}
const abandonedMs = 24 * 3600 * 1000;

async function replaceFolder(from: string, to: string, refresh: boolean): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  if (await moved(from, to)) return;
  // Another process was faster, and may be reading what it put there.
  if (!refresh && (await isWhole(to))) return;
  const old = `${to}.${randomUUID()}.old`;
  await rename(to, old).catch(() => undefined);
  try {
    if (!(await moved(from, to)) && !(await isWhole(to))) await rename(from, to);
  } catch (cause) {
    throw writeFault(to, cause);
  } finally {
    await rm(old, { recursive: true, force: true });
  }
}

async function moved(from: string, to: string): Promise<boolean> {
  return rename(from, to).then(
    () => true,
    () => false,
  );
}

async function isWhole(folder: string): Promise<boolean> {
  try {
    const { files } = manifest.parse(JSON.parse(await readFile(join(folder, MANIFEST), "utf8")));
    for (const [name, digest] of Object.entries(files)) {
      if ((await sha256(join(folder, name))) !== digest) return false;
    }
    return Object.keys(files).length > 0;
  } catch {
    return false;
  }
}

/** SHA-256 of a file, lower-case hex. */
export async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

/** A path as one safe folder name: `a/b` becomes `a+b`. */
export function folderName(path: string): string {
  return path.replaceAll(/[^\w.@+-]/g, "+").replaceAll(/^\.+/g, "+");
}
