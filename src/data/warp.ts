import type { Preprocessing } from "../models/pretrained.ts";
import type { Augmentation } from "./augment.ts";
import type { RgbImage } from "./dataset.ts";
import { channelMaps } from "./preprocess.ts";

/**
 * Renders an augmented view: crop, flip and rotation as one affine map with bilinear sampling
 * (edges repeated), colour as one 3 x 3 matrix, and normalisation, all in a single pass.
 * @param out float32; the normalised planes (CHW) are written from `offset` on
 */
export function writeAugmented(
  image: RgbImage,
  view: Augmentation,
  to: Preprocessing,
  out: Float32Array,
  offset: number,
): void {
  const { data, width, height } = image;
  const area = to.width * to.height;
  const colour = colourMatrix(view, meanLuma(image));
  const [m0, m1, m2, m3, m4, m5, m6, m7, m8] = colour.matrix;
  const shift = colour.offset;
  const [first, second, third] = channelMaps(to);
  const swapped = to.channels === "bgr";
  const affine = affineMap(image, view, to);
  for (let y = 0; y < to.height; y++) {
    for (let x = 0; x < to.width; x++) {
      const u = Math.min(width - 1, Math.max(0, affine.x + affine.xx * x + affine.xy * y));
      const v = Math.min(height - 1, Math.max(0, affine.y + affine.yx * x + affine.yy * y));
      const left = u | 0;
      const top = v | 0;
      const du = u - left;
      const dv = v - top;
      const a = 3 * (top * width + left);
      const b = left + 1 < width ? a + 3 : a;
      const below = top + 1 < height ? 3 * width : 0;
      const wa = (1 - du) * (1 - dv);
      const wb = du * (1 - dv);
      const wc = (1 - du) * dv;
      const wd = du * dv;
      const c = a + below;
      const d = b + below;
      // The indices are inside the picture by construction; `?? 0` here would cost a tenth.
      const red =
        wa * (data[a] as number) +
        wb * (data[b] as number) +
        wc * (data[c] as number) +
        wd * (data[d] as number);
      const green =
        wa * (data[a + 1] as number) +
        wb * (data[b + 1] as number) +
        wc * (data[c + 1] as number) +
        wd * (data[d + 1] as number);
      const blue =
        wa * (data[a + 2] as number) +
        wb * (data[b + 2] as number) +
        wc * (data[c + 2] as number) +
        wd * (data[d + 2] as number);
      const r = clamp(m0 * red + m1 * green + m2 * blue + shift);
      const g = clamp(m3 * red + m4 * green + m5 * blue + shift);
      const l = clamp(m6 * red + m7 * green + m8 * blue + shift);
      const i = offset + y * to.width + x;
      out[i] = (swapped ? l : r) * first.scale + first.shift;
      out[i + area] = g * second.scale + second.shift;
      out[i + 2 * area] = (swapped ? r : l) * third.scale + third.shift;
    }
  }
  if (view.erase !== undefined) erase(view.erase, to, out, offset);
}

/** Source position (pixel centres at whole numbers) of output pixel (x, y). */
function affineMap(image: RgbImage, view: Augmentation, to: Preprocessing) {
  const { crop, rotation } = view;
  const stepX = ((view.flip ? -1 : 1) * crop.width * image.width) / to.width;
  const stepY = (crop.height * image.height) / to.height;
  const [cos, sin] = [Math.cos(rotation), Math.sin(rotation)];
  const [xx, xy, yx, yy] = [cos * stepX, -sin * stepY, sin * stepX, cos * stepY];
  const [middleX, middleY] = [(to.width - 1) / 2, (to.height - 1) / 2];
  return {
    xx,
    xy,
    yx,
    yy,
    x: crop.x * image.width - 0.5 - xx * middleX - xy * middleY,
    y: crop.y * image.height - 0.5 - yx * middleX - yy * middleY,
  };
}

type Matrix = readonly [number, number, number, number, number, number, number, number, number];

/** Brightness, then contrast about the mean luma, then saturation, then hue, as one affine map. */
function colourMatrix(view: Augmentation, luma: number): { matrix: Matrix; offset: number } {
  const { brightness, contrast, saturation } = view;
  const gain = brightness * contrast;
  const grey = [0.299, 0.587, 0.114] as const;
  const [cos, sin] = [Math.cos(view.hue), Math.sin(view.hue)];
  // Rotation of the chroma plane in YIQ, back in RGB; luma stays. Source: the SVG hueRotate matrix.
  const chroma = [
    [0.701 * cos + 0.168 * sin, -0.587 * cos + 0.33 * sin, -0.114 * cos - 0.497 * sin],
    [-0.299 * cos - 0.328 * sin, 0.413 * cos + 0.035 * sin, -0.114 * cos + 0.292 * sin],
    [-0.3 * cos + 1.25 * sin, -0.588 * cos - 1.05 * sin, 0.886 * cos - 0.203 * sin],
  ] as const;
  const entry = (row: 0 | 1 | 2, column: 0 | 1 | 2) =>
    gain * (grey[column] + saturation * chroma[row][column]);
  return {
    matrix: [
      entry(0, 0),
      entry(0, 1),
      entry(0, 2),
      entry(1, 0),
      entry(1, 1),
      entry(1, 2),
      entry(2, 0),
      entry(2, 1),
      entry(2, 2),
    ],
    offset: (1 - contrast) * brightness * luma,
  };
}

/** Mean luma of about a thousand pixels, 0 to 255. */
function meanLuma({ data, width, height }: RgbImage): number {
  const step = Math.max(1, Math.floor((width * height) / 1009));
  let sum = 0;
  let count = 0;
  for (let i = 0; i < width * height; i += step) {
    const red = data[3 * i] ?? 0;
    sum += 0.299 * red + 0.587 * (data[3 * i + 1] ?? 0) + 0.114 * (data[3 * i + 2] ?? 0);
    count++;
  }
  return sum / count;
}

function erase(
  box: NonNullable<Augmentation["erase"]>,
  to: Preprocessing,
  out: Float32Array,
  offset: number,
): void {
  const [left, right] = [box.left, box.left + box.width].map((x) => Math.round(x * to.width));
  const [top, bottom] = [box.top, box.top + box.height].map((y) => Math.round(y * to.height));
  for (let channel = 0; channel < 3; channel++) {
    for (let y = top ?? 0; y < (bottom ?? 0); y++) {
      const row = offset + (channel * to.height + y) * to.width;
      out.fill(0, row + (left ?? 0), row + (right ?? 0));
    }
  }
}

function clamp(value: number): number {
  return value < 0 ? 0 : Math.min(value, 255);
}
