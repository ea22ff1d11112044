import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RgbImage } from "../data/dataset.ts";

interface Stored {
  readonly width: number;
  readonly height: number;
  /** In memory, or where in the file. */
  readonly at: Uint8Array | number;
}

/**
 * Decoded pictures by number: in memory up to a budget, then in one file that has no name, so
 * nothing is left behind whatever ends the process. What finds no room is not kept.
 */
export class PixelStore {
  readonly #pictures = new Map<number, Stored>();
  readonly #folder: string;
  #memoryLeft: number;
  #fileLeft: number;
  #file: number | undefined;
  #fileEnd = 0;

  /**
   * @param memoryBytes what may stay in memory
   * @param fileBytes what may go to the file
   * @param folder where the file lives while open; the system's temporary folder when absent
   */
  constructor(memoryBytes: number, fileBytes: number, folder: string = tmpdir()) {
    this.#memoryLeft = memoryBytes;
    this.#fileLeft = fileBytes;
    this.#folder = folder;
  }

  get(key: number): RgbImage | undefined {
    const stored = this.#pictures.get(key);
    if (stored === undefined) return undefined;
    const { width, height, at } = stored;
    if (typeof at !== "number") return { width, height, data: at };
    const data = new Uint8Array(width * height * 3);
    const read = this.#file === undefined ? 0 : readSync(this.#file, data, 0, data.length, at);
    return read === data.length ? { width, height, data } : undefined;
  }

  put(key: number, { width, height, data }: RgbImage): void {
    if (data.length <= this.#memoryLeft) {
      this.#memoryLeft -= data.length;
      // A copy of its own: decoders hand out views of larger buffers.
      this.#pictures.set(key, { width, height, at: data.slice() });
      return;
    }
    const at = data.length <= this.#fileLeft ? this.#append(data) : undefined;
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
      this.#fileLeft = 0;
      return undefined;
    }
    this.#fileLeft -= data.length;
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
