import { z } from "zod";
import type { Model } from "../onnx/graph.ts";
import type { Preprocessing } from "./pretrained.ts";

const FEATURES = "thaw.features";
const PREPROCESSING = "thaw.preprocessing";
const LABELS = "thaw.labels";
const NAME = "thaw.name";

const triple = z.tuple([z.number(), z.number(), z.number()]);
const pixels = z.int().min(1).max(16_384);

const preprocessing = z.object({
  width: pixels,
  height: pixels,
  fit: z.enum(["squash", "crop"]),
  resize: pixels.optional(),
  interpolation: z.enum(["bilinear", "bicubic", "nearest", "lanczos"]),
  channels: z.enum(["rgb", "bgr"]),
  mean: triple,
  std: triple,
});

/** What Thaw writes into a model's metadata, so that the file explains itself. */
export interface Description {
  readonly name?: string;
  readonly preprocessing?: Preprocessing;
  /** Class names in logit order. */
  readonly labels?: readonly string[];
}

/** The model with its description in its metadata; what is absent stays as it was. */
export function describe(model: Model, description: Description): Model {
  const entries: [string, string][] = [];
  if (description.name !== undefined) entries.push([NAME, description.name]);
  if (description.preprocessing !== undefined) {
    entries.push([PREPROCESSING, JSON.stringify(description.preprocessing)]);
  }
  if (description.labels !== undefined) entries.push([LABELS, JSON.stringify(description.labels)]);
  return withMetadata(model, entries);
}

/** The description a model carries; parts that are absent or make no sense are left out. */
export function readDescription(model: Model): Description {
  const name = model.metadata.get(NAME);
  const input = parse(preprocessing, model.metadata.get(PREPROCESSING));
  const labels = parse(z.array(z.string()), model.metadata.get(LABELS));
  return {
    ...(name === undefined ? {} : { name }),
    ...(input === undefined ? {} : { preprocessing: withoutUndefined(input) }),
    ...(labels === undefined ? {} : { labels }),
  };
}

/** Marks the value [N, D] that enters the head. */
export function withFeatures(model: Model, value: string): Model {
  return withMetadata(model, [[FEATURES, value]]);
}

/** The value marked as entering the head. */
export function readFeatures(model: Model): string | undefined {
  return model.metadata.get(FEATURES);
}

function withMetadata(model: Model, entries: readonly [string, string][]): Model {
  return { ...model, metadata: new Map([...model.metadata, ...entries]) };
}

function withoutUndefined(input: z.infer<typeof preprocessing>): Preprocessing {
  const { resize, ...rest } = input;
  return resize === undefined ? rest : { ...rest, resize };
}

function parse<T>(schema: z.ZodType<T>, text: string | undefined): T | undefined {
  if (text === undefined) return undefined;
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
