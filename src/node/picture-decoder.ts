import sharp, { type Metadata, type OutputInfo } from "sharp";
import type { RgbImage } from "../data/dataset.ts";
import { type PictureFormat, pictureFormat } from "../data/picture-format.ts";
import type { Geometry } from "../data/preprocess.ts";
import { ThawError } from "../errors.ts";
import type { Preprocessing } from "../models/pretrained.ts";
import { bmpHeader, decodeBmp } from "./bmp.ts";

/** More pixels than any camera's; a file that claims them is a decompression bomb. */
const mostPixels = 2 ** 27;
const mostSeconds = 30;

const kernels = {
  bilinear: "linear",
  bicubic: "cubic",
  nearest: "nearest",
  lanczos: "lanczos3",
} as const;

/** What a picture says of itself; `width` and `height` upright, in pixels. */
export interface PictureHeader {
  readonly format: PictureFormat;
  readonly mode: string;
  readonly width: number;
  readonly height: number;
  /** Whether EXIF says that the stored pixels must be turned. */
  readonly turned: boolean;
}

/**
 * Reads the header. The content decides the format, never the name; what is none of the seven
 * formats (SVG and PDF among it) is refused before any decoder sees it.
 * @param where the picture's name, for messages
 * @throws ThawError `data/unreadable-picture`
 */
export async function readHeader(bytes: Uint8Array, where: string): Promise<PictureHeader> {
  return guarded(where, async () => {
    const format = pictureFormat(bytes);
    if (format === undefined) throw new Error("it is none of the picture formats Thaw reads");
    if (format === "bmp") return { format, ...bmpHeader(bytes, mostPixels), turned: false };
    const metadata = await open(bytes).metadata();
    const { width, height } = metadata.autoOrient;
    const turned = (metadata.orientation ?? 1) > 1;
    return { format, mode: modeOf(metadata), width, height, turned };
  });
}

/**
 * Decodes to sRGB, upright, transparency over white, the first frame of an animation, resized
 * and cropped as `geometry` says for the picture's own size.
 * @throws ThawError `data/unreadable-picture`
 */
export async function decodePicture(
  bytes: Uint8Array,
  geometry: (width: number, height: number) => Geometry,
  interpolation: Preprocessing["interpolation"],
  where: string,
): Promise<RgbImage & { readonly header: PictureHeader }> {
  const header = await readHeader(bytes, where);
  return guarded(where, async () => {
    const { width, height, crop } = geometry(header.width, header.height);
    const picture = header.format === "bmp" ? openBmp(bytes) : open(bytes).autoOrient();
    const { data, info } = await picture
      .timeout({ seconds: mostSeconds })
      .flatten({ background: "#ffffff" })
      .toColourspace("srgb")
      .resize(width, height, { fit: "fill", kernel: kernels[interpolation] })
      .extract(crop)
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true });
    return { header, width: info.width, height: info.height, data: toRgb(data, info) };
  });
}

function open(bytes: Uint8Array) {
  return sharp(bytes, { limitInputPixels: mostPixels, failOn: "error" });
}

function openBmp(bytes: Uint8Array) {
  const { data, width, height } = decodeBmp(bytes, mostPixels);
  return sharp(data, { raw: { width, height, channels: 3 } });
}

function toRgb(data: Uint8Array, info: OutputInfo): Uint8Array {
  const pixels = info.width * info.height;
  if (info.channels === 3) return data;
  if (info.channels !== 1) throw new Error(`decoding gave ${info.channels} channels`);
  const rgb = new Uint8Array(pixels * 3);
  for (let i = 0; i < pixels; i++) rgb.fill(data[i] ?? 0, 3 * i, 3 * i + 3);
  return rgb;
}

function modeOf({ space, channels, depth, isPalette, hasAlpha }: Metadata): string {
  if (isPalette) return "P";
  const wide = depth === "ushort" || space === "rgb16" || space === "grey16" ? "16" : "";
  if (space === "cmyk") return `CMYK${wide}`;
  const grey = (channels ?? 3) - (hasAlpha ? 1 : 0) < 3;
  return `${grey ? "L" : "RGB"}${hasAlpha ? "A" : ""}${wide}`;
}

async function guarded<T>(where: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    throw new ThawError(
      {
        code: "data/unreadable-picture",
        what: `The picture cannot be read: ${why}`,
        where,
        next: "Replace or remove it.",
      },
      cause,
    );
  }
}
