import sharp from "sharp";
import type { Dataset } from "../data/dataset.ts";
import type { Geometry } from "../data/preprocess.ts";
import { decodePicture } from "./picture-decoder.ts";
import { openPictures } from "./picture-source.ts";

const side = 160;

/** A small JPEG of one sample as a data URI, for a report. */
export async function pictureThumbnail(dataset: Dataset, sample: number): Promise<string> {
  const found = dataset.samples[sample];
  if (found === undefined) throw new RangeError(`no sample ${sample}`);
  const bytes = await openPictures(dataset).read(found);
  const image = await decodePicture(bytes, covered, "bilinear", found.id);
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
