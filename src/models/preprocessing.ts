import { z } from "zod";
import type { Preprocessing } from "./pretrained.ts";
import { refuse } from "./refuse.ts";

const pixels = z.number().min(1).max(16_384).transform(Math.round);
const channels = z.array(z.number()).refine((list) => list.length === 1 || list.length === 3);

const size = z.union([
  pixels,
  z.object({
    height: pixels.optional(),
    width: pixels.optional(),
    shortest_edge: pixels.optional(),
  }),
]);

/** `preprocessor_config.json` of Hugging Face Transformers, the parts that image models use. */
const huggingFace = z.object({
  do_resize: z.boolean().nullish(),
  size: size.nullish(),
  resample: z.int().nullish(),
  crop_pct: z.number().positive().max(1).nullish(),
  do_center_crop: z.boolean().nullish(),
  crop_size: size.nullish(),
  do_rescale: z.boolean().nullish(),
  rescale_factor: z.number().positive().nullish(),
  rescale_offset: z.boolean().nullish(),
  do_normalize: z.boolean().nullish(),
  image_mean: channels.nullish(),
  image_std: channels.nullish(),
  do_flip_channel_order: z.boolean().nullish(),
});

/** timm keeps the same in `config.json` under `pretrained_cfg`. */
const timm = z.object({
  pretrained_cfg: z.object({
    input_size: z.tuple([z.literal(3), pixels, pixels]),
    mean: channels,
    std: channels,
    interpolation: z.string().optional(),
    crop_pct: z.number().positive().max(1).optional(),
  }),
});

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Pillow's numbers for resampling filters; the ones Thaw lacks stand beside their nearest kin. */
const filters: Readonly<Record<number, Preprocessing["interpolation"]>> = {
  0: "nearest",
  1: "lanczos",
  2: "bilinear",
  3: "bicubic",
  4: "bilinear",
  5: "bilinear",
};

/**
 * ImageNet's statistics, with torchvision's resize to 256 and crop to 224 in proportion to the
 * larger side, so that a crop that is not square fits into every picture.
 */
export function imagenetPreprocessing(size: Size): Preprocessing {
  return {
    ...size,
    fit: "crop",
    resize: Math.round((longerSide(size) * 256) / 224),
    interpolation: "bilinear",
    channels: "rgb",
    mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.224, 0.225],
  };
}

/**
 * Reads a Hugging Face `preprocessor_config.json` (both size forms) or a timm `config.json`.
 * @param fixed the size the network's input is fixed to, which wins over the file's
 * @throws ThawError `models/bad-preprocessing`; undefined where the file is about something else
 */
export function readPreprocessing(json: unknown, fixed?: Size): Preprocessing | undefined {
  const fromTimm = timm.safeParse(json);
  if (fromTimm.success) {
    const { input_size, mean, std, interpolation, crop_pct } = fromTimm.data.pretrained_cfg;
    return readPreprocessing(
      {
        size: {
          shortest_edge: Math.round(Math.max(input_size[1], input_size[2]) / (crop_pct ?? 0.875)),
        },
        crop_size: { height: input_size[1], width: input_size[2] },
        resample: interpolation === "bicubic" ? 3 : 2,
        image_mean: mean,
        image_std: std,
      },
      fixed,
    );
  }
  const parsed = huggingFace.safeParse(json);
  if (!parsed.success) {
    return refuse("bad-preprocessing", "The model's preprocessor_config.json makes no sense", {
      where: parsed.error.issues[0]?.path.join(".") ?? "preprocessor_config.json",
      next: "Correct the file, or remove it to use ImageNet's preprocessing.",
      cause: parsed.error,
    });
  }
  const config = parsed.data;
  if (config.size == null && config.crop_size == null && config.image_mean == null)
    return undefined;
  return {
    ...geometry(config, fixed),
    interpolation: filters[config.resample ?? 2] ?? "bilinear",
    channels: config.do_flip_channel_order === true ? "bgr" : "rgb",
    ...normalisation(config),
  };
}

type Config = z.infer<typeof huggingFace>;

function geometry(config: Config, fixed: Size | undefined) {
  const resized = config.do_resize === false ? undefined : (config.size ?? undefined);
  const crop = config.do_center_crop === false ? undefined : (exact(config.crop_size) ?? undefined);
  const target = fixed ?? crop ?? exact(resized) ?? { width: 224, height: 224 };
  const longer = longerSide(target);
  const edge = typeof resized === "object" ? resized.shortest_edge : undefined;
  if (crop !== undefined) {
    const before = longerSide(exact(resized) ?? target);
    // A network fixed to another size keeps the file's proportion of picture to crop.
    const scale = longer / longerSide(crop);
    return {
      ...target,
      fit: "crop" as const,
      resize: Math.max(longer, Math.round(before * scale)),
    };
  }
  // ConvNeXt's convention: below 384 pixels, resize to size / crop_pct and cut the centre out.
  if (config.crop_pct != null && (edge ?? longer) < 384) {
    return { ...target, fit: "crop" as const, resize: Math.round(longer / config.crop_pct) };
  }
  if (edge !== undefined && config.crop_pct == null) {
    return { ...target, fit: "crop" as const, resize: longer };
  }
  return { ...target, fit: "squash" as const };
}

function exact(value: z.infer<typeof size> | null | undefined): Size | undefined {
  if (value == null) return undefined;
  if (typeof value === "number") return { width: value, height: value };
  const width = value.width ?? value.shortest_edge;
  const height = value.height ?? value.shortest_edge;
  return width === undefined || height === undefined ? undefined : { width, height };
}

/** Where the shorter side of a picture is no less, a crop of this size fits into it. */
function longerSide({ width, height }: Size): number {
  return Math.max(width, height);
}

/**
 * The file normalises `pixel * factor (- 1)`, pixel 0 to 255, by (x - mean) / std; Thaw's own form
 * is on pixels scaled to 0 to 1, so the factor goes into mean and std.
 */
function normalisation(config: Config): Pick<Preprocessing, "mean" | "std"> {
  const factor = config.do_rescale === false ? 1 : (config.rescale_factor ?? 1 / 255);
  const scale = 255 * factor;
  const offset = config.rescale_offset === true ? 1 : 0;
  const on = config.do_normalize !== false;
  const mean = spread(on ? (config.image_mean ?? [0.485, 0.456, 0.406]) : [0]);
  const std = spread(on ? (config.image_std ?? [0.229, 0.224, 0.225]) : [1]);
  if (std.some((value) => value === 0)) {
    refuse("bad-preprocessing", "The model's preprocessing divides by zero", {
      where: "image_std",
      next: "Correct preprocessor_config.json.",
    });
  }
  return {
    mean: [(mean[0] + offset) / scale, (mean[1] + offset) / scale, (mean[2] + offset) / scale],
    std: [std[0] / scale, std[1] / scale, std[2] / scale],
  };
}

function spread(values: readonly number[]): [number, number, number] {
  const [first = 0, second = first, third = first] = values;
  return [first, second, third];
}

const labelled = z.object({ id2label: z.record(z.string().regex(/^\d+$/), z.string()) });
const timmLabels = z.object({ label_names: z.array(z.string()) });

/** Class names in logit order from a Hugging Face or timm `config.json`, if it has all of them. */
export function readLabels(json: unknown): string[] | undefined {
  const parsed = labelled.safeParse(json);
  if (!parsed.success) return timmLabels.safeParse(json).data?.label_names;
  const { id2label } = parsed.data;
  const labels = Object.keys(id2label).map((_, at) => id2label[String(at)]);
  return labels.every((label) => label !== undefined) ? labels : undefined;
}
