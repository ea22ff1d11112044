import { appendFileSync } from "node:fs";
import { mkdir, open, readdir, readFile, rename, rm, rmdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { z } from "zod";
import { ThawError } from "../errors.ts";
import { lockFile, lockFolder } from "../node/lock.ts";
import { makeFolder } from "../node/make-folder.ts";
import {
  errorCode,
  isTemporary,
  temporaryName,
  writeFault,
  writeFileAtomic,
} from "../node/write-file.ts";
import type { JournalEntry } from "../train/journal.ts";
import { version } from "../version.ts";
import { trainOptions } from "./options.ts";

/** What was asked of a run; enough to carry it out again. */
const runFile = z.object({
  thaw: z.string(),
  folder: z.string(),
  options: trainOptions,
});
export type RunFile = z.infer<typeof runFile>;

/** The files of a run by name. */
export const runFiles = {
  run: "run.json",
  plan: "plan.json",
  splits: "splits.json",
  journal: "journal.ndjson",
  model: "model.onnx",
  quantised: "model.int8.onnx",
  metrics: "metrics.json",
  /** Written last: a run with it is finished. */
  result: "result.json",
  record: "record.json",
  report: "report.html",
  checkpoint: "checkpoint",
  scratch: "scratch",
} as const;

/** A run's folder, locked for this process. */
export interface RunFolder {
  readonly path: string;
  readonly asked: RunFile;
  /** Absolute path of one of the run's files. */
  file(name: keyof typeof runFiles): string;
  /** Writes one of the run's files so that it is there whole or not at all. */
  write(name: keyof typeof runFiles, content: Uint8Array | string): Promise<void>;
  /**
   * Adds one line to the journal, at once: a caller that does not wait must see a failure too.
   * @throws ThawError `node/disk-full`, `node/unwritable`
   */
  log(entry: JournalEntry): void;
  /** Removes one of the run's folders: at once, whatever ends the process meanwhile. */
  forget(name: "checkpoint" | "scratch"): Promise<void>;
  unlock(): Promise<void>;
  /** Unlocks and takes back what `createRun` made, for a run that failed before anything came of it. */
  discard(): Promise<void>;
}

/**
 * Makes a folder for a new run. Nothing that stands there is touched, but for what a creation that
 * was killed left behind.
 * @throws ThawError `job/run-exists`, `job/out-not-empty`, `node/locked`, `node/unwritable`,
 *   `node/disk-full`
 */
export async function createRun(folder: string, asked: Omit<RunFile, "thaw">): Promise<RunFolder> {
  const path = resolve(folder);
  await makeFolder(path);
  try {
    return await beginRun(path, folder, asked);
  } catch (cause) {
    await removeEmpty(path);
    throw cause;
  }
}

async function beginRun(
  path: string,
  folder: string,
  asked: Omit<RunFile, "thaw">,
): Promise<RunFolder> {
  await refuseOccupied(path, folder);
  const unlock = await lockFolder(path);
  const file = { thaw: version, ...asked };
  try {
    // Another process may have made its run while this one waited for the lock.
    await refuseOccupied(path, folder);
    await removeTemporaries(path);
    await writeFileAtomic(join(path, runFiles.run), `${JSON.stringify(file, null, 2)}\n`);
  } catch (cause) {
    await unlock();
    throw cause;
  }
  return openLocked(path, file, unlock);
}

async function refuseOccupied(path: string, folder: string): Promise<void> {
  const present = await readdir(path);
  if (present.includes(runFiles.run)) {
    throw new ThawError({
      code: "job/run-exists",
      what: "This folder already holds a run",
      where: path,
      next: `Continue it with \`thaw resume ${folder}\`, or choose another folder with --out.`,
    });
  }
  if (present.some((name) => name !== lockFile && !isTemporary(name))) {
    throw new ThawError({
      code: "job/out-not-empty",
      what: "The output folder is not empty",
      where: path,
      next: "Choose a new folder with --out; Thaw never writes over what is there.",
    });
  }
}

/**
 * Opens the folder of a run that was begun before.
 * @throws ThawError `job/no-run`, `node/locked`, `node/unwritable`
 */
export async function openRun(folder: string): Promise<RunFolder> {
  const path = resolve(folder);
  const asked = await readRun(path);
  const unlock = await lockFolder(path);
  try {
    await removeTemporaries(path);
    await endLine(join(path, runFiles.journal));
  } catch (cause) {
    await unlock();
    throw cause;
  }
  return openLocked(path, asked, unlock);
}

/**
 * A new folder for a run where none is asked for: `runs/<folder name>-<number>`. It is made here,
 * so that two runs that begin at once get two.
 */
export async function nextRunPath(folder: string): Promise<string> {
  const name = basename(resolve(folder)).replace(/\.[a-z]+$/i, "") || "run";
  for (let number = 1; ; number++) {
    const path = join("runs", `${name}-${number}`);
    try {
      await makeFolder(resolve("runs"));
      await mkdir(path);
      return path;
    } catch (cause) {
      if (errorCode(cause) !== "EEXIST") throw writeFault(path, cause);
    }
  }
}

/** Removes a run's folder, and `runs` around it, where nothing is in them. */
async function removeEmpty(path: string): Promise<void> {
  await rmdir(path).catch(() => undefined);
  if (basename(dirname(path)) === "runs") await rmdir(dirname(path)).catch(() => undefined);
}

/** What a killed process left of files it was writing. */
async function removeTemporaries(path: string): Promise<void> {
  for (const name of await readdir(path)) {
    if (isTemporary(name)) await rm(join(path, name), { recursive: true, force: true });
  }
}

/** A line that a crash cut off must not swallow the next one. */
async function endLine(path: string): Promise<void> {
  const file = await open(path, "r+").catch((cause) => {
    if (errorCode(cause) === "ENOENT") return undefined;
    throw writeFault(path, cause);
  });
  if (file === undefined) return;
  try {
    const { size } = await file.stat();
    if (size === 0) return;
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
    if (buffer.toString() !== "\n") await file.write("\n", size);
  } catch (cause) {
    throw writeFault(path, cause);
  } finally {
    await file.close();
  }
}

async function readRun(path: string): Promise<RunFile> {
  const file = join(path, runFiles.run);
  try {
    return runFile.parse(JSON.parse(await readFile(file, "utf8")));
  } catch (cause) {
    const missing = errorCode(cause) === "ENOENT" || errorCode(cause) === "ENOTDIR";
    throw new ThawError(
      {
        code: "job/no-run",
        what: missing ? "There is no run here" : "The run's description is damaged",
        where: file,
        next: "Give the folder that `thaw train` made, the one that holds run.json.",
      },
      cause,
    );
  }
}

function openLocked(path: string, asked: RunFile, unlock: () => Promise<void>): RunFolder {
  const file = (name: keyof typeof runFiles) => join(path, runFiles[name]);
  return {
    path,
    asked,
    file,
    write: (name, content) => writeFileAtomic(file(name), content),
    log(entry) {
      try {
        appendFileSync(file("journal"), `${JSON.stringify(entry)}\n`);
      } catch (cause) {
        throw writeFault(file("journal"), cause);
      }
    },
    async forget(name) {
      // Removing takes time; half of a checkpoint would be taken for the whole of another one.
      const doomed = temporaryName(file(name));
      await rename(file(name), doomed).catch((cause) => {
        if (errorCode(cause) !== "ENOENT") throw writeFault(file(name), cause);
      });
      await rm(doomed, { recursive: true, force: true });
    },
    unlock,
    async discard() {
      try {
        for (const name of ["checkpoint", "scratch", "splits", "journal", "run"] as const) {
          await rm(file(name), { recursive: true, force: true });
        }
      } finally {
        await unlock();
      }
      await removeEmpty(path);
    },
  };
}
