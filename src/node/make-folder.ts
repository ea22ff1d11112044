import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { errorCode, writeFault } from "./write-file.ts";

/**
 * Makes a folder with all that leads to it; one that is there is left as it is. Node's own
 * recursive `mkdir` never returns where a parent exists but takes no folders, such as `/proc`.
 * @throws ThawError `node/unwritable`, `node/disk-full`
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    await make(path, true);
  } catch (cause) {
    throw writeFault(path, cause);
  }
}

async function make(path: string, withParents: boolean): Promise<void> {
  try {
    await mkdir(path);
  } catch (cause) {
    const code = errorCode(cause);
    if (code === "EEXIST" && (await stat(path)).isDirectory()) return;
    if (code !== "ENOENT" || !withParents || dirname(path) === path) throw cause;
    await make(dirname(path), true);
    await make(path, false);
  }
}
