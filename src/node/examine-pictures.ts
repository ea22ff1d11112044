import { createHash } from "node:crypto";
import { availableParallelism } from "node:os";
import type { Dataset, PictureSource, Sample } from "../data/dataset.ts";
import { perceptualHash } from "../data/perceptual-hash.ts";
import type { PictureFacts, UnreadablePicture } from "../data/picture-facts.ts";
import { type Geometry, withShorterSide } from "../data/preprocess.ts";
import { contrast, thumbnail } from "../data/thumbnail.ts";
import { ThawError } from "../errors.ts";
import { type DecodedPictures, interpolation } from "./decoded-pictures.ts";
import { decodePicture } from "./picture-decoder.ts";
import { openPictures } from "./picture-source.ts";

/**
 * Shorter side a picture is reduced to before it is looked at, in pixels: what most networks'
 * preprocessing reduces it to as well.
 */
const examinedSide = 256;
/** Longer side it is reduced to at most, however narrow it is. */
const longestSide = 1024;

export interface ExamineOptions {
  /** Takes the pictures that were reduced to `examinedSide`. */
  readonly decoded?: DecodedPictures | undefined;
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
      facts[index] = await examineOrExplain(source, sample, options.decoded);
      options.onProgress?.(++done);
    }
  };
  // Parquet is read in order, a row group at a time; more lanes would only wait.
  const lanes = dataset.layout === "parquet" ? 2 : 2 * availableParallelism();
  await Promise.all(Array.from({ length: lanes }, lane));
  return facts;
}

async function examineOrExplain(
  source: PictureSource,
  sample: Sample,
  decoded: DecodedPictures | undefined,
) {
  try {
    return await examinePicture(await source.read(sample), sample.id, decoded);
  } catch (cause) {
    if (cause instanceof ThawError) return { id: sample.id, why: cause.fault.what };
    throw cause;
  }
}

async function examinePicture(
  bytes: Uint8Array,
  id: string,
  decoded: DecodedPictures | undefined,
): Promise<PictureFacts> {
  const image = await decodePicture(bytes, reduced, interpolation, id);
  const { format, mode, width, height, turned } = image.header;
  if (Math.min(image.width, image.height) === examinedSide) {
    decoded?.put(id, image, { width, height });
  }
  const small = thumbnail(image);
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
  const size = reducedSize(width, height);
  return { ...size, crop: { left: 0, top: 0, ...size } };
}

function reducedSize(width: number, height: number) {
  const [shorter, longer] = [Math.min(width, height), Math.max(width, height)];
  if (shorter <= examinedSide && longer <= longestSide) return { width, height };
  const size = withShorterSide(examinedSide, width, height);
  if (shorter >= examinedSide && Math.max(size.width, size.height) <= longestSide) return size;
  const scale = longestSide / longer;
  return {
    width: Math.max(1, Math.round(width * scale)),
    height: Math.max(1, Math.round(height * scale)),
  };
}
