import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, readFile, rename, rm, rmdir, stat } from "node:fs/promises";
import { join, posix } from "node:path";
import { downloadFile, type ListFileEntry, listFiles, modelInfo } from "@huggingface/hub";
import { ThawError } from "../errors.ts";
import type { HubSpec } from "../models/model-spec.ts";
import { companionsOf } from "./companions.ts";
import { downloadFailed } from "./fetch-npm.ts";
import { lockFolder } from "./lock.ts";
import { cacheFolder, folderName, sha256 } from "./model-cache.ts";

export interface HubOptions {
  readonly cache?: string;
  readonly signal?: AbortSignal;
  /** Gives up when nothing arrives for so long, in milliseconds. Default 30 seconds. */
  readonly stallMs?: number;
}

const ATTEMPTS = 5;
const MAX_FILE_BYTES = 2 ** 31 - 1;
/** Tried in this order where the specifier names no file. */
const usualFiles = ["onnx/model.onnx", "model.onnx", "model.safetensors"];

/**
 * Fetches a model and the files that belong to it into a folder, side by side. `HF_ENDPOINT` and
 * `HF_TOKEN` are honoured. An interrupted download goes on where it stopped, also in a later
 * process; every file is checked against the digest the hub lists.
 * @throws ThawError `node/download-failed`, `node/wrong-checksum`, `node/no-checksum`,
 *   `node/too-large`, `node/not-in-repository`
 */
export async function fetchHub(spec: HubSpec, into: string, options: HubOptions): Promise<void> {
  const where = `hf:${spec.repo}@${spec.revision}`;
  const common = hubParameters(options);
  try {
    const { sha } = await modelInfo({
      ...common,
      name: spec.repo,
      revision: spec.revision,
      additionalFields: ["sha"],
    });
    const revision = { repo: spec.repo, revision: sha };
    const files = new Map<string, ListFileEntry>();
    for await (const entry of listFiles({ ...common, ...revision, recursive: true })) {
      if (entry.type === "file") files.set(entry.path, entry);
    }
    const path = spec.path ?? usualFiles.find((name) => files.has(name));
    if (path === undefined || !files.has(path)) {
      throw new ThawError({
        code: "node/not-in-repository",
        what: path === undefined ? "This repository holds no ONNX model" : "There is no such file",
        where: path === undefined ? where : `${where}/${path}`,
        next: "Name the file: hf:<org>/<name>/<path>; Thaw reads .onnx and .safetensors.",
      });
    }
    for (const name of companionsOf(path)) {
      const entry = files.get(name);
      if (entry === undefined) continue;
      await download(entry, join(into, posix.basename(name)), { ...common, ...revision }, options);
    }
  } catch (cause) {
    throw cause instanceof ThawError ? cause : downloadFailed(where, cause);
  }
}

function hubParameters({ signal, stallMs = 30_000 }: HubOptions) {
  const { HF_ENDPOINT, HF_TOKEN } = process.env;
  return {
    ...(HF_ENDPOINT ? { hubUrl: HF_ENDPOINT.replace(/\/+$/, "") } : {}),
    ...(HF_TOKEN ? { accessToken: HF_TOKEN } : {}),
    fetch: stallingFetch(stallMs, signal),
  };
}

/** `fetch` that gives up when a server does not begin to answer. */
function stallingFetch(stallMs: number, signal: AbortSignal | undefined): typeof fetch {
  return (input, init) => {
    const timeout = AbortSignal.timeout(stallMs);
    return fetch(input, {
      ...init,
      signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
    });
  };
}

/** Downloads one file; it appears whole or not at all. */
async function download(
  entry: ListFileEntry,
  to: string,
  parameters: ReturnType<typeof hubParameters> & { repo: string; revision: string },
  options: HubOptions,
): Promise<void> {
  const { path, size } = entry;
  if (size > MAX_FILE_BYTES) {
    throw new ThawError({
      code: "node/too-large",
      what: "This file is larger than 2 GiB",
      where: path,
      next: "Choose a smaller model.",
    });
  }
  const digest = entry.lfs?.oid ?? entry.oid;
  if (digest === undefined) {
    throw new ThawError({
      code: "node/no-checksum",
      what: "The hub lists no checksum of this file, so a download could not be checked",
      where: path,
      next: "Use a hub that lists checksums, or fetch the file yourself and give its path.",
    });
  }
  const parts = join(options.cache ?? cacheFolder(), "parts");
  const place = await takePlace(join(parts, folderName(`${digest}-${posix.basename(path)}`)));
  try {
    const part = join(place.folder, "part");
    await fill(part, entry, parameters, options);
    if (!(await matches(part, entry))) {
      await rm(part, { force: true });
      throw new ThawError({
        code: "node/wrong-checksum",
        what: "What was downloaded is not what was published: its checksum differs",
        where: path,
        next: "Try again; if it stays, a proxy changes files: do not use it.",
      });
    }
    await rename(part, to);
  } finally {
    await place.leave();
  }
}

/**
 * A folder for a download in progress, named after the file's digest so that a later process goes
 * on with it; of two at once the second gets one for itself.
 */
async function takePlace(folder: string) {
  try {
    await mkdir(folder, { recursive: true });
    const unlock = await lockFolder(folder);
    const leave = async () => {
      await unlock();
      // Goes only when nothing is in it: neither a part to go on with nor another process's lock.
      await rmdir(folder).catch(() => undefined);
    };
    return { folder, leave };
  } catch {
    // Locked by another, or just removed by it.
    const own = `${folder}.${randomUUID()}`;
    await mkdir(own, { recursive: true });
    return { folder: own, leave: () => rm(own, { recursive: true, force: true }) };
  }
}

async function fill(
  part: string,
  entry: ListFileEntry,
  parameters: ReturnType<typeof hubParameters> & { repo: string; revision: string },
  options: HubOptions,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const before = await sizeOf(part);
    try {
      if (before < entry.size) await append(part, before, entry, parameters, options);
      return;
    } catch (cause) {
      options.signal?.throwIfAborted();
      const progressed = (await sizeOf(part)) > before;
      if (attempt >= ATTEMPTS || !progressed) throw cause;
    }
  }
}

async function append(
  part: string,
  from: number,
  { path, size }: ListFileEntry,
  parameters: ReturnType<typeof hubParameters> & { repo: string; revision: string },
  options: HubOptions,
): Promise<void> {
  const stalled = new AbortController();
  const timer = setTimeout(
    () => stalled.abort(new Error("the server stopped sending")),
    options.stallMs ?? 30_000,
  );
  const signals = [stalled.signal, ...(options.signal === undefined ? [] : [options.signal])];
  const signal = AbortSignal.any(signals);
  const file = await open(part, "a");
  try {
    const blob = await downloadFile({
      ...parameters,
      path,
      xet: false,
      fetch: (input, init) => fetch(input, { ...init, signal }),
    });
    if (blob === null) throw new Error(`${path} is gone`);
    if (blob.size !== size) throw new Error(`${path} has another size than the hub lists`);
    signal.throwIfAborted();
    let received = from;
    const reader = blob.slice(from, size).stream().getReader();
    // A stream whose connection never answers does not end by itself.
    const cancel = () => void reader.cancel().catch(() => undefined);
    signal.addEventListener("abort", cancel, { once: true });
    for (;;) {
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      if (done) break;
      received += value.length;
      if (received > size) throw new Error("the server sends more than it announced");
      await file.write(value);
      timer.refresh();
    }
    if (received < size) throw new Error("the download was cut off");
  } finally {
    clearTimeout(timer);
    await file.close();
  }
}

/** Large files are listed with their SHA-256, small ones with git's SHA-1 of a blob. */
async function matches(part: string, { lfs, oid, size }: ListFileEntry): Promise<boolean> {
  if ((await sizeOf(part)) !== size) return false;
  if (lfs !== undefined) return (await sha256(part)) === lfs.oid;
  const blob = createHash("sha1")
    .update(`blob ${size}\0`)
    .update(await readFile(part));
  return blob.digest("hex") === oid;
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}
