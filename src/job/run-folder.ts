import { appendFile, mkdir, readdir, readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { z } from "zod";
import { ThawError } from "../errors.ts";
import { lockFolder } from "../node/lock.ts";
import { errorCode, writeFault, writeFileAtomic } from "../node/write-file.ts";
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
  /** Adds one line to the journal. */
  log(entry: object): Promise<void>;
  unlock(): Promise<void>;
}

/**
 * Makes a folder for a new run. Nothing that stands there is touched.
 * @throws ThawError `job/run-exists`, `job/out-not-empty`, `node/unwritable`, `node/disk-full`
 */
export async function createRun(folder: string, asked: Omit<RunFile, "thaw">): Promise<RunFolder> {
  const path = resolve(folder);
  await mkdir(path, { recursive: true }).catch((cause) => {
    throw writeFault(path, cause);
  });
  const present = await readdir(path);
  if (present.includes(runFiles.run)) {
    throw new ThawError({
      code: "job/run-exists",
      what: "This folder already holds a run",
      where: path,
      next: `Continue it with \`thaw resume ${folder}\`, or choose another folder with --out.`,
    });
  }
  if (present.length > 0) {
    throw new ThawError({
      code: "job/out-not-empty",
      what: "The output folder is not empty",
      where: path,
      next: "Choose a new folder with --out; Thaw never writes over what is there.",
    });
  }
  const unlock = await lockFolder(path);
  const file = { thaw: version, ...asked };
  await writeFileAtomic(join(path, runFiles.run), `${JSON.stringify(file, null, 2)}\n`);
  return openLocked(path, file, unlock);
}

/**
 * Opens the folder of a run that was begun before.
 * @throws ThawError `job/no-run`, `node/locked`
 */
export async function openRun(folder: string): Promise<RunFolder> {
  const path = resolve(folder);
  const asked = await readRun(path);
  return openLocked(path, asked, await lockFolder(path));
}

/** The path a new run gets where none is asked for: `runs/<folder name>-<number>`. */
export async function nextRunPath(folder: string): Promise<string> {
  const name = basename(resolve(folder)).replace(/\.[a-z]+$/i, "") || "run";
  const taken = new Set(await readdir("runs").catch(() => []));
  for (let number = 1; ; number++) {
    if (!taken.has(`${name}-${number}`)) return join("runs", `${name}-${number}`);
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
    async log(entry) {
      await appendFile(file("journal"), `${JSON.stringify(entry)}\n`).catch((cause) => {
        throw writeFault(file("journal"), cause);
      });
    },
    unlock,
  };
}
