import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RgbImage } from "../data/dataset.ts";

interface Stored {
  readonly width: number;
  readonly height: number;
  /** Where in the file, in bytes. */
  readonly at: number;
}

/**
 * Decoded pictures by number, in one file that has no name, so nothing is left behind whatever
 * ends the process. The system keeps in memory what it has room for. What the file has no room
 * for is not kept.
 */
export class PixelStore {
  readonly #pictures = new Map<number, Stored>();
  readonly #folder: string;
  #left: number;
  #file: number | undefined;
  #fileEnd = 0;

  /**
   * @param mostBytes what the file may hold
   * @param folder where the file lives while open; the system's temporary folder when absent
   */
  constructor(mostBytes: number, folder: string = tmpdir()) {
    this.#left = mostBytes;
    this.#folder = folder;
  }

  get(key: number): RgbImage | undefined {
    const stored = this.#pictures.get(key);
    if (stored === undefined) return undefined;
    const { width, height, at } = stored;
    const data = new Uint8Array(width * height * 3);
    const read = this.#file === undefined ? 0 : readSync(this.#file, data, 0, data.length, at);
    return read === data.length ? { width, height, data } : undefined;
  }

  put(key: number, { width, height, data }: RgbImage): void {
    const at = data.length <= this.#left ? this.#append(data) : undefined;
    if (at !== undefined) this.#pictures.set(key, { width, height, at });
  }

  close(): void {
    this.#pictures.clear();
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #append(data: Uint8Array): number | undefined {
    const at = this.#fileEnd;
    try {
      this.#file ??= openNameless(this.#folder);
      for (let done = 0; done < data.length; ) {
        done += writeSync(this.#file, data, done, data.length - done, at + done);
      }
    } catch {
      // A full or read-only disk costs time, decoding again, never the run.
      this.#left = 0;
      return undefined;
    }
    this.#left -= data.length;
    this.#fileEnd += data.length;
    return at;
  }
}

function openNameless(folder: string): number {
  const own = mkdtempSync(join(folder, "thaw-pixels-"));
  try {
    return openSync(join(own, "pixels"), "wx+");
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
}
