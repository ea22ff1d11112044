import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * A growing file that has no name, so nothing is left behind whatever ends the process. The
 * system keeps in memory what it has room for. What the file has no room for is not kept.
 */
export class NamelessFile {
  readonly #folder: string;
  #left: number;
  #descriptor: number | undefined;
  #end = 0;

  /**
   * @param mostBytes what the file may hold
   * @param folder where the file lives while open; the system's temporary folder when absent
   */
  constructor(mostBytes: number, folder: string = tmpdir()) {
    this.#left = mostBytes;
    this.#folder = folder;
  }

  /** Any thread of the process may read from it while the file is open. */
  get descriptor(): number | undefined {
    return this.#descriptor;
  }

  /** Where in the file the bytes stand; undefined where there was no room. */
  append(data: Uint8Array): number | undefined {
    if (data.length > this.#left) return undefined;
    const at = this.#end;
    try {
      this.#descriptor ??= openNameless(this.#folder);
      for (let done = 0; done < data.length; ) {
        done += writeSync(this.#descriptor, data, done, data.length - done, at + done);
      }
    } catch {
      // A full or read-only disk costs time, decoding again, never the run.
      this.#left = 0;
      return undefined;
    }
    this.#left -= data.length;
    this.#end += data.length;
    return at;
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
    this.#left = 0;
  }
}

/** @returns undefined where the file does not hold that many bytes there */
export function readBytes(descriptor: number, at: number, length: number): Uint8Array | undefined {
  const data = new Uint8Array(length);
  return readSync(descriptor, data, 0, length, at) === length ? data : undefined;
}

function openNameless(folder: string): number {
  const own = mkdtempSync(join(folder, "thaw-pixels-"));
  try {
    return openSync(join(own, "pixels"), "wx+");
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
}
