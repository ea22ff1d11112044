import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { open, readFile, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { z } from "zod";
import { ThawError } from "../errors.ts";
import { errorCode, writeFault } from "./write-file.ts";

const holder = z.object({ pid: z.int(), host: z.string(), started: z.string(), token: z.string() });
type Holder = z.infer<typeof holder>;

const settleMs = 100;

/** The name of the file that locks a folder. */
export const lockFile = "lock";

/**
 * Takes a folder for this process alone; the returned function gives it back, and does nothing
 * where another has taken it meanwhile. A lock whose process is gone, or whose process number now
 * belongs to another process, is taken over.
 * @throws ThawError `node/locked` when a living process holds it
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, lockFile);
  const mine: Holder = {
    pid: process.pid,
    host: hostname(),
    started: startOf(process.pid),
    token: randomUUID(),
  };
  for (let attempt = 0; attempt < 5; attempt++) {
    try {
      await create(path, mine);
      // Two processes may find the same stale lock at once; the one whose file stays has won.
      if (attempt > 0) await setTimeout(settleMs);
      const now = await readHolder(path);
      if (now?.token === mine.token) {
        return async () => {
          if ((await readHolder(path))?.token === mine.token) await rm(path, { force: true });
        };
      }
      continue;
    } catch (cause) {
      if (errorCode(cause) !== "EEXIST") throw writeFault(path, cause);
    }
    // Another process may just have created the file and not yet filled it.
    const other = (await readHolder(path)) ?? (await readHolderLater(path));
    if (other !== undefined && isAlive(other)) {
      throw new ThawError({
        code: "node/locked",
        what: `Another Thaw process (number ${other.pid} on ${other.host}) is working on this run`,
        where: folder,
        next:
          other.host === hostname()
            ? "Wait until it is done, stop it, or give this run another folder with --out."
            : `If nothing runs on ${other.host} any more, remove ${path} and try again; from here it cannot be told.`,
        details: { ...other },
      });
    }
    await rm(path, { force: true });
  }
  throw new ThawError({
    code: "node/locked",
    what: "Other processes keep taking this run's folder",
    where: folder,
    next: "Stop them, then try again.",
  });
}

async function create(path: string, mine: Holder): Promise<void> {
  const file = await open(path, "wx");
  try {
    await file.writeFile(JSON.stringify(mine));
  } catch (cause) {
    if ((await readHolder(path)) === undefined) await rm(path, { force: true });
    throw cause;
  } finally {
    await file.close();
  }
}

/** Undefined for a file that is gone or that a killed writer left empty. */
async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    return holder.parse(JSON.parse(await readFile(path, "utf8")));
  } catch {
    return undefined;
  }
}

async function readHolderLater(path: string): Promise<Holder | undefined> {
  await setTimeout(settleMs);
  return readHolder(path);
}

function isAlive(other: Holder): boolean {
  if (other.host !== hostname()) return true;
  try {
    process.kill(other.pid, 0);
  } catch (cause) {
    if (errorCode(cause) === "ESRCH") return false;
  }
  return other.started === startOf(other.pid);
}

/** A process's start time where the system tells it: process numbers are used again. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}
