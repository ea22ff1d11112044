import fs from "node:fs";
import promises, { type FileHandle } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { relative, sep } from "node:path";

/** What goes wrong at one write: the process is killed, or the system call fails. */
export interface InjectedFault {
  /** Which write, as `WritePoint` names it. */
  readonly point: string;
  /** Which time the point is passed, from 1. */
  readonly nth: number;
  /** The system's error, such as `ENOSPC`; the process is killed where absent. */
  readonly code?: string;
}

/**
 * Watches every write below a folder and does what `fault` says at one of them. A write has four
 * points: `opening`, `writing` (half of it is on the disk), `renaming` (all of it is, under its
 * temporary name), `renamed`. It replaces functions of `node:fs`, so it must run before the code
 * under test is imported, and that code needs no hook.
 * @returns the names of the points passed so far, in order
 */
export function injectFault(folder: string, fault?: InjectedFault): readonly string[] {
  const passed: string[] = [];
  let times = 0;

  function strike(): void {
    if (fault?.code === undefined) {
      process.kill(process.pid, "SIGKILL");
      for (;;);
    }
    throw Object.assign(new Error(`${fault.code}: injected`), { code: fault.code });
  }
  /** Whether the fault strikes here. */
  function pass(moment: string, path: string): boolean {
    const inside = relative(folder, path);
    if (inside.startsWith("..")) return false;
    const name = `${moment} ${inside
      .replace(/\.\d+\.tmp$/, "")
      .split(sep)
      .join("/")}`;
    passed.push(name);
    return fault?.point === name && ++times === fault.nth;
  }
  const writes = (flags: unknown) =>
    typeof flags === "number"
      ? (flags & (fs.constants.O_WRONLY | fs.constants.O_RDWR)) !== 0
      : typeof flags === "string" && flags !== "r";

  const { open, rename } = promises;
  promises.open = async (path, flags, mode) => {
    const name = String(path);
    if (writes(flags) && pass("opening", name)) strike();
    const file = await open(path, flags, mode);
    return writes(flags) ? halfWriting(file, () => pass("writing", name), strike) : file;
  };
  promises.rename = async (from, to) => {
    if (pass("renaming", String(to))) strike();
    await rename(from, to);
    if (pass("renamed", String(to))) strike();
  };
  const { appendFileSync } = fs;
  fs.appendFileSync = (path, data, options) => {
    if (pass("writing", String(path))) {
      if (fault?.code === undefined) appendFileSync(path, String(data).slice(0, 9), options);
      strike();
    }
    appendFileSync(path, data, options);
  };
  syncBuiltinESMExports();
  return passed;
}

function halfWriting(file: FileHandle, struck: () => boolean, strike: () => void): FileHandle {
  const { writeFile } = file;
  file.writeFile = async (content, options) => {
    if (struck()) {
      const bytes = Buffer.from(content as Uint8Array | string);
      await file.write(bytes.subarray(0, bytes.length >> 1));
      strike();
    }
    return writeFile.call(file, content, options);
  };
  return file;
}

/** Lets time run faster, so that a run of seconds checkpoints as often as one of minutes. */
export function hurry(factor: number): void {
  const now = performance.now.bind(performance);
  performance.now = () => now() * factor;
}
