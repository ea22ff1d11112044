import type { Preprocessing } from "../models/pretrained.ts";
import type { RgbImage } from "./dataset.ts";

/** Resize the whole picture to `width` x `height`, then cut out `crop`; all in pixels. */
export interface Geometry {
  readonly width: number;
  readonly height: number;
  readonly crop: {
    readonly left: number;
    readonly top: number;
    readonly width: number;
    readonly height: number;
  };
}

/** What of a preprocessing says where a picture's pixels go. */
type Framing = Pick<Preprocessing, "width" | "height" | "fit" | "resize">;

/** How much larger than the network's input a picture is kept for augmentation under `squash`. */
const squashMargin = 1.25;

/** Longest side kept for augmentation under `crop`, in multiples of the shorter. */
const longestAspect = 2;

/**
 * Exactly what the network was pretrained with: torchvision's `Resize` and `CenterCrop`.
 * Source: https://docs.pytorch.org/vision/stable/transforms.html
 * @param width of the picture after its EXIF orientation, in pixels
 */
export function plainGeometry(to: Framing, width: number, height: number): Geometry {
  if (to.fit === "squash") return whole(to.width, to.height);
  return cropCentre(shorterSide(to, width, height), to.width, to.height);
}

/** What augmented views are cut from: the plain view with some margin around it. */
export function wideGeometry(to: Preprocessing, width: number, height: number): Geometry {
  if (to.fit === "squash") {
    return whole(Math.round(to.width * squashMargin), Math.round(to.height * squashMargin));
  }
  const size = shorterSide(to, width, height);
  const longest = Math.round(longestAspect * Math.min(size.width, size.height));
  return cropCentre(
    size,
    Math.max(to.width, Math.min(size.width, longest)),
    Math.max(to.height, Math.min(size.height, longest)),
  );
}

function shorterSide(to: Framing, width: number, height: number) {
  const size = withShorterSide(to.resize ?? Math.max(to.width, to.height), width, height);
  return { width: Math.max(to.width, size.width), height: Math.max(to.height, size.height) };
}

/** The size of a picture with its shorter side made `target`, as torchvision's `Resize` rounds. */
export function withShorterSide(target: number, width: number, height: number) {
  const scale = target / Math.min(width, height);
  return {
    width: width <= height ? target : Math.floor(width * scale),
    height: height <= width ? target : Math.floor(height * scale),
  };
}

function whole(width: number, height: number): Geometry {
  return { width, height, crop: { left: 0, top: 0, width, height } };
}

function cropCentre(
  size: { readonly width: number; readonly height: number },
  width: number,
  height: number,
): Geometry {
  const left = roundHalfEven((size.width - width) / 2);
  const top = roundHalfEven((size.height - height) / 2);
  return { ...size, crop: { left, top, width, height } };
}

/** Python's `round`, so that centre crops fall on the same pixel as torchvision's. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** Per input channel of the network: which RGB channel it takes, and pixel -> value as `scale * p + shift`. */
export interface ChannelMap {
  readonly from: number;
  readonly scale: number;
  readonly shift: number;
}

/** The three channels of the network's input, `(p / 255 - mean) / std`. */
export function channelMaps(to: Preprocessing): readonly [ChannelMap, ChannelMap, ChannelMap] {
  const map = (channel: 0 | 1 | 2): ChannelMap => ({
    from: to.channels === "rgb" ? channel : 2 - channel,
    scale: 1 / (255 * to.std[channel]),
    shift: -to.mean[channel] / to.std[channel],
  });
  return [map(0), map(1), map(2)];
}

/**
 * Writes a picture of the network's input size as normalised planes (CHW).
 * @param out float32; 3 x width x height values are written from `offset` on
 */
export function writePlain(
  image: RgbImage,
  to: Preprocessing,
  out: Float32Array,
  offset: number,
): void {
  const area = image.width * image.height;
  const { data } = image;
  const [a, b, c] = channelMaps(to);
  // One pass over the pixels: three, a plane each, take three times as long.
  for (let i = 0, at = 0; i < area; i++, at += 3) {
    out[offset + i] = (data[at + a.from] ?? 0) * a.scale + a.shift;
    out[offset + area + i] = (data[at + b.from] ?? 0) * b.scale + b.shift;
    out[offset + 2 * area + i] = (data[at + c.from] ?? 0) * c.scale + c.shift;
  }
}
