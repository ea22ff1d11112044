import { createHash } from "node:crypto";
import { availableParallelism } from "node:os";
import type { Dataset, PictureSource, Sample } from "../data/dataset.ts";
import { perceptualHash } from "../data/perceptual-hash.ts";
import type { PictureFacts, UnreadablePicture } from "../data/picture-facts.ts";
import type { Geometry } from "../data/preprocess.ts";
import { contrast, thumbnail } from "../data/thumbnail.ts";
import { ThawError } from "../errors.ts";
import { decodePicture } from "./picture-decoder.ts";
import { openPictures } from "./picture-source.ts";

/** Longer side a picture is reduced to before it is looked at, in pixels. */
const examinedSide = 256;

export interface ExamineOptions {
  readonly signal?: AbortSignal;
  /** Called with the number of pictures done. */
  readonly onProgress?: (done: number) => void;
}

/**
 * Opens every picture of a dataset once, a few at a time, and keeps only its facts.
 * @returns one entry for each sample, in order
 * @throws the signal's reason when it is aborted
 */
export async function examinePictures(
  dataset: Dataset,
  options: ExamineOptions = {},
): Promise<(PictureFacts | UnreadablePicture)[]> {
  const source = openPictures(dataset);
  const facts: (PictureFacts | UnreadablePicture)[] = new Array(dataset.samples.length);
  const queue = dataset.samples.entries();
  let done = 0;
  const lane = async () => {
    for (const [index, sample] of queue) {
      options.signal?.throwIfAborted();
      facts[index] = await examineOrExplain(source, sample);
      options.onProgress?.(++done);
    }
  };
  // Parquet is read in order, a row group at a time; more lanes would only wait.
  const lanes = dataset.layout === "parquet" ? 2 : 2 * availableParallelism();
  await Promise.all(Array.from({ length: lanes }, lane));
  return facts;
}

async function examineOrExplain(source: PictureSource, sample: Sample) {
  try {
    return await examinePicture(await source.read(sample), sample.id);
  } catch (cause) {
    if (cause instanceof ThawError) return { id: sample.id, why: cause.fault.what };
    throw cause;
  }
}

/** The facts of one encoded picture. @throws ThawError `data/unreadable-picture` */
export async function examinePicture(bytes: Uint8Array, id: string): Promise<PictureFacts> {
  const image = await decodePicture(bytes, reduced, "bilinear", id);
  const small = thumbnail(image);
  const { format, mode, width, height, turned } = image.header;
  return {
    id,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    pixels: createHash("sha256").update(`${width}x${height}:`).update(image.data).digest("hex"),
    format,
    mode,
    width,
    height,
    turned,
    contrast: contrast(image),
    hash: perceptualHash(small).toString(16).padStart(16, "0"),
    thumbnail: Buffer.from(small).toString("base64"),
  };
}

function reduced(width: number, height: number): Geometry {
  const scale = Math.min(1, examinedSide / Math.max(width, height));
  const size = {
    width: Math.max(1, Math.round(width * scale)),
    height: Math.max(1, Math.round(height * scale)),
  };
  return { ...size, crop: { left: 0, top: 0, ...size } };
}
