import type { RgbImage } from "../data/dataset.ts";
import type { Geometry } from "../data/preprocess.ts";
import type { Preprocessing } from "../models/pretrained.ts";
import { NamelessFile, readBytes } from "./nameless-file.ts";

/** Whole pictures in a file that any thread of the process may read. */
export interface SharedPictures {
  readonly descriptor: number;
  /** By sample id. */
  readonly pictures: ReadonlyMap<string, SharedPicture>;
}

interface SharedPicture {
  /** Of the picture upright, before it was reduced, in pixels. */
  readonly upright: { readonly width: number; readonly height: number };
  /** As it is kept, in pixels. */
  readonly width: number;
  readonly height: number;
  /** Where in the file, in bytes. */
  readonly at: number;
}

/** How the pictures kept were reduced. */
export const interpolation = "bilinear";

/** What the file holds at most: some ten thousand pictures. */
const mostBytes = 4 * 2 ** 30;

/**
 * Whole pictures as they were decoded when they were first looked at, so that views which only
 * cut something out of them need not open them again.
 */
export class DecodedPictures {
  readonly #file = new NamelessFile(mostBytes);
  readonly #pictures = new Map<string, SharedPicture>();

  put(id: string, image: RgbImage, upright: SharedPicture["upright"]): void {
    const at = this.#file.append(image.data);
    const { width, height } = image;
    if (at !== undefined) this.#pictures.set(id, { upright, width, height, at });
  }

  /** For other threads; undefined where nothing is kept. What is put later is not among it. */
  shared(): SharedPictures | undefined {
    const { descriptor } = this.#file;
    return descriptor === undefined ? undefined : { descriptor, pictures: this.#pictures };
  }

  close(): void {
    this.#pictures.clear();
    this.#file.close();
  }
}

/**
 * What `decodePicture` would give, cut out of the picture kept.
 * @returns undefined where it is not kept as `geometry` and the interpolation ask for
 */
export function cutOut(
  { descriptor, pictures }: SharedPictures,
  id: string,
  geometry: (width: number, height: number) => Geometry,
  wanted: Preprocessing["interpolation"],
): RgbImage | undefined {
  const kept = pictures.get(id);
  if (kept === undefined || wanted !== interpolation) return undefined;
  const { width, height, crop } = geometry(kept.upright.width, kept.upright.height);
  if (width !== kept.width || height !== kept.height) return undefined;
  const rows = readBytes(descriptor, kept.at + 3 * width * crop.top, 3 * width * crop.height);
  if (rows === undefined || crop.width === width) {
    return rows && { width, height: crop.height, data: rows };
  }
  const data = new Uint8Array(3 * crop.width * crop.height);
  for (let y = 0; y < crop.height; y++) {
    const start = 3 * (y * width + crop.left);
    data.set(rows.subarray(start, start + 3 * crop.width), 3 * crop.width * y);
  }
  return { width: crop.width, height: crop.height, data };
}
