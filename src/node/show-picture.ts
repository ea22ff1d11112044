import sharp from "sharp";
import type { Dataset, PictureSource, Sample } from "../data/dataset.ts";
import type { Geometry } from "../data/preprocess.ts";
import { decodePicture } from "./picture-decoder.ts";

const side = 160;

/**
 * Small JPEGs of some samples as data URIs, for a report. Each is read once and in the dataset's
 * order, which costs a parquet file one pass.
 * @param samples indices into the dataset's samples, in any order
 * @returns by the sample's index
 */
export async function pictureThumbnails(
  dataset: Dataset,
  samples: readonly number[],
  source: PictureSource,
): Promise<ReadonlyMap<number, string>> {
  const thumbnails = new Map<number, string>();
  for (const index of [...new Set(samples)].sort((a, b) => a - b)) {
    const sample = dataset.samples[index];
    if (sample === undefined) throw new RangeError(`no sample ${index}`);
    thumbnails.set(index, await thumbnail(sample, source));
  }
  return thumbnails;
}

async function thumbnail(sample: Sample, source: PictureSource): Promise<string> {
  const image = await decodePicture(await source.read(sample), covered, "bilinear", sample.id);
  const { width, height, data } = image;
  const jpeg = await sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 72 })
    .toBuffer();
  return `data:image/jpeg;base64,${jpeg.toString("base64")}`;
}

/** Scaled to cover the square, the middle cut out. */
function covered(width: number, height: number): Geometry {
  const scale = side / Math.min(width, height);
  const size = { width: Math.round(width * scale), height: Math.round(height * scale) };
  return {
    ...size,
    crop: {
      left: Math.floor((size.width - side) / 2),
      top: Math.floor((size.height - side) / 2),
      width: side,
      height: side,
    },
  };
}
