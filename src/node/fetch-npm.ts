import { createWriteStream } from "node:fs";
import { join, posix } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import pacote from "pacote";
import { Parser, type ReadEntry } from "tar";
import { ThawError } from "../errors.ts";
import type { NpmSpec } from "../models/model-spec.ts";
import { companionsOf } from "./companions.ts";
import { npmSettings } from "./npm-config.ts";

/** What an entry of a tarball takes beside its content. */
const headerBytes = 512;

export interface NpmOptions {
  /** Pins the tarball; without it the registry's own figure is checked. */
  readonly integrity?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Gives up when nothing more arrives for so long, in milliseconds. Default 30 seconds. */
  readonly stallMs?: number;
  /** The most a tarball may have, packed and unpacked. Default 4 GiB. */
  readonly mostBytes?: number;
}

/**
 * Takes one file, and those that belong to it, out of a package's tarball. The package is not
 * installed and nothing in it is run.
 * @throws ThawError `node/download-failed`, `node/wrong-checksum`, `node/not-in-package`,
 *   `node/bad-archive`; the signal's reason
 */
export async function fetchNpm(
  spec: NpmSpec,
  into: string,
  options: NpmOptions = {},
): Promise<void> {
  const where = `npm:${spec.name}@${spec.version}/${spec.path}`;
  const wanted = new Set(companionsOf(spec.path));
  const found = await unpackNpm(
    `${spec.name}@${spec.version}`,
    (inside) => (wanted.has(inside) ? posix.basename(inside) : undefined),
    into,
    options,
  );
  if (!found.has(spec.path)) {
    throw new ThawError({
      code: "node/not-in-package",
      what: "The package has no such file",
      where,
      next: "Look at the package's files on the registry's website and correct the path.",
    });
  }
}

/**
 * Takes files out of a package's tarball, flat into one folder.
 * @param pick a file's name in the folder by its path inside the package; undefined leaves it out
 * @returns the paths inside the package that were taken
 * @throws ThawError `node/download-failed`, `node/wrong-checksum`, `node/bad-archive`; the
 *   signal's reason
 */
export async function unpackNpm(
  packageSpec: string,
  pick: (inside: string) => string | undefined,
  into: string,
  options: NpmOptions = {},
): Promise<ReadonlySet<string>> {
  const { integrity } = options;
  const settings = await npmSettings();
  const connection = new AbortController();
  const signals = [connection.signal, ...(options.signal === undefined ? [] : [options.signal])];
  const signal = AbortSignal.any(signals);
  let found: ReadonlySet<string> = new Set();
  try {
    await pacote.tarball.stream(
      packageSpec,
      async (tarball) => {
        found = await extract(tarball, pick, into, options);
      },
      { ...settings, signal, ...(integrity === undefined ? {} : { integrity }) },
    );
  } catch (cause) {
    // Left open, it would keep the process, and fill npm's cache with whatever still comes.
    connection.abort();
    options.signal?.throwIfAborted();
    if (cause instanceof ThawError) throw cause;
    throw downloadFailed(`npm:${packageSpec}`, cause);
  }
  return found;
}

async function extract(
  tarball: NodeJS.ReadableStream,
  pick: (inside: string) => string | undefined,
  into: string,
  { signal, stallMs = 30_000, mostBytes = 4 * 2 ** 30 }: NpmOptions,
): Promise<ReadonlySet<string>> {
  const writes: Promise<void>[] = [];
  const found = new Set<string>();
  const guard = guarded(stallMs, mostBytes);
  let unpacked = 0;
  const parser = new Parser({
    strict: true,
    onReadEntry: (entry: ReadEntry) => {
      unpacked += headerBytes + entry.size;
      // npm's tarballs have one folder around everything, whatever its name.
      const inside = entry.path.split("/").slice(1).join("/");
      const name = pick(inside);
      const refused =
        unpacked > mostBytes
          ? tooLarge(mostBytes)
          : name !== undefined && entry.type !== "File" && entry.type !== "OldFile"
            ? badArchive("the file is a link", inside)
            : undefined;
      if (refused !== undefined) guard.destroy(refused);
      if (name === undefined || refused !== undefined) return entry.resume();
      found.add(inside);
      writes.push(pipeline(entry, createWriteStream(join(into, posix.basename(name)))));
    },
  });
  await pipeline(tarball, guard, parser, signal === undefined ? {} : { signal });
  await Promise.all(writes);
  return found;
}

/** Lets bytes through as they are; fails when they stop coming, or do not stop. */
function guarded(stallMs: number, mostBytes: number): Transform {
  let received = 0;
  let timer: NodeJS.Timeout | undefined;
  return new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      received += chunk.length;
      timer ??= setTimeout(() => this.destroy(new Error("the server stopped sending")), stallMs);
      timer.refresh();
      done(received > mostBytes ? tooLarge(mostBytes) : null, chunk);
    },
    destroy(cause, done) {
      clearTimeout(timer);
      done(cause);
    },
  });
}

function tooLarge(mostBytes: number): ThawError {
  return badArchive(`it has more than ${mostBytes / 2 ** 30} GiB`);
}

function badArchive(reason: string, where?: string): ThawError {
  return new ThawError({
    code: "node/bad-archive",
    what: `The package's archive is not sound: ${reason}`,
    ...(where === undefined ? {} : { where }),
    next: "Choose another package or version.",
  });
}

/** A download that did not work, in words that say whether trying again may help. */
export function downloadFailed(where: string, cause: unknown): ThawError {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const message = cause instanceof Error ? cause.message : String(cause);
  const isTampered = code === "EINTEGRITY";
  return new ThawError(
    {
      code: isTampered ? "node/wrong-checksum" : "node/download-failed",
      what: isTampered
        ? "What was downloaded is not what was published: its checksum differs"
        : `The model could not be downloaded: ${message}`,
      where,
      next: isTampered
        ? "Try again; if it stays, the registry or a proxy changes files: do not use it."
        : "Check the name and the network, then try again; models fetched before work offline.",
    },
    cause,
  );
}
