import type { RgbImage } from "../data/dataset.ts";
import { NamelessFile, readBytes } from "./nameless-file.ts";

interface Stored {
  readonly width: number;
  readonly height: number;
  /** Where in the file, in bytes. */
  readonly at: number;
}

/** Decoded pictures by number, in a file of their own as far as that has room. */
export class PixelStore {
  readonly #pictures = new Map<number, Stored>();
  readonly #file: NamelessFile;

  /**
   * @param mostBytes what the file may hold
   * @param folder where the file lives while open; the system's temporary folder when absent
   */
  constructor(mostBytes: number, folder?: string) {
    this.#file = new NamelessFile(mostBytes, folder);
  }

  get(key: number): RgbImage | undefined {
    const stored = this.#pictures.get(key);
    const { descriptor } = this.#file;
    if (stored === undefined || descriptor === undefined) return undefined;
    const { width, height, at } = stored;
    const data = readBytes(descriptor, at, width * height * 3);
    return data === undefined ? undefined : { width, height, data };
  }

  put(key: number, { width, height, data }: RgbImage): void {
    const at = this.#file.append(data);
    if (at !== undefined) this.#pictures.set(key, { width, height, at });
  }

  close(): void {
    this.#pictures.clear();
    this.#file.close();
  }
}
