import { createWriteStream } from "node:fs";
import { join, posix } from "node:path";
import { pipeline } from "node:stream/promises";
import pacote from "pacote";
import { Parser, type ReadEntry } from "tar";
import { ThawError } from "../errors.ts";
import type { NpmSpec } from "../models/model-spec.ts";
import { companionsOf } from "./companions.ts";
import { npmSettings } from "./npm-config.ts";

const MAX_UNPACKED_BYTES = 4 * 2 ** 30;

/**
 * Takes one file, and those that belong to it, out of a package's tarball. The package is not
 * installed and nothing in it is run.
 * @param integrity pins the tarball; without it the registry's own figure is checked
 * @throws ThawError `node/download-failed`, `node/not-in-package`, `node/bad-archive`
 */
export async function fetchNpm(spec: NpmSpec, into: string, integrity?: string): Promise<void> {
  const where = `npm:${spec.name}@${spec.version}/${spec.path}`;
  const wanted = new Set(companionsOf(spec.path));
  const found = await unpackNpm(
    `${spec.name}@${spec.version}`,
    (inside) => (wanted.has(inside) ? posix.basename(inside) : undefined),
    into,
    integrity,
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
 * @throws ThawError `node/download-failed`, `node/wrong-checksum`, `node/bad-archive`
 */
export async function unpackNpm(
  packageSpec: string,
  pick: (inside: string) => string | undefined,
  into: string,
  integrity?: string,
): Promise<ReadonlySet<string>> {
  const settings = await npmSettings();
  let found: ReadonlySet<string> = new Set();
  try {
    await pacote.tarball.stream(
      packageSpec,
      async (tarball) => {
        found = await extract(tarball, pick, into);
      },
      { ...settings, ...(integrity === undefined ? {} : { integrity }) },
    );
  } catch (cause) {
    if (cause instanceof ThawError) throw cause;
    throw downloadFailed(`npm:${packageSpec}`, cause);
  }
  return found;
}

async function extract(
  tarball: NodeJS.ReadableStream,
  pick: (inside: string) => string | undefined,
  into: string,
): Promise<ReadonlySet<string>> {
  const writes: Promise<void>[] = [];
  const found = new Set<string>();
  let unpacked = 0;
  let fault: ThawError | undefined;
  const parser = new Parser({
    strict: true,
    onReadEntry: (entry: ReadEntry) => {
      unpacked += entry.size;
      // npm's tarballs have one folder around everything, whatever its name.
      const inside = entry.path.split("/").slice(1).join("/");
      if (unpacked > MAX_UNPACKED_BYTES)
        fault ??= badArchive("it unpacks to more than 4 GiB", inside);
      const name = fault === undefined ? pick(inside) : undefined;
      if (name === undefined) return entry.resume();
      if (entry.type !== "File" && entry.type !== "OldFile") {
        fault ??= badArchive("the file is a link", inside);
        return entry.resume();
      }
      found.add(inside);
      writes.push(pipeline(entry, createWriteStream(join(into, posix.basename(name)))));
    },
  });
  await pipeline(tarball, parser);
  await Promise.all(writes);
  if (fault !== undefined) throw fault;
  return found;
}

function badArchive(reason: string, where: string): ThawError {
  return new ThawError({
    code: "node/bad-archive",
    what: `The package's archive is not sound: ${reason}`,
    where,
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
