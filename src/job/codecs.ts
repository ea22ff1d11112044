import { z } from "zod";
import { depthCurve, similarityVerdict, sizeVerdict } from "../measure/measurement.ts";
import { floats, readSafetensors, safetensorsParts } from "../models/safetensors.ts";
import { float32, type Tensor } from "../onnx/tensor.ts";
import { decodeCheckpoint, encodeCheckpoint } from "../train/checkpoint.ts";
import type { FitResult } from "../train/fit-options.ts";
import type { FitState } from "../train/fit-state.ts";
import type { LinearProbe, ProbeState } from "../train/linear-probe.ts";
import { epochRecord } from "../train/overfitting.ts";
import type { Codec } from "./steps.ts";
import type { KnownFeatures, Survey } from "./survey.ts";

const summary = "thaw.summary";

/** Tensors with a JSON summary beside them, as one safetensors file. */
function bundle<T, S>(
  schema: z.ZodType<S>,
  split: (value: T) => { summary: S; tensors: ReadonlyMap<string, Tensor> },
  join: (summary: S, tensors: ReadonlyMap<string, Tensor>) => T,
): Codec<T> {
  return {
    encode(value) {
      const parts = split(value);
      return safetensorsParts(parts.tensors, new Map([[summary, JSON.stringify(parts.summary)]]));
    },
    decode(bytes) {
      const { tensors, metadata } = readSafetensors(bytes);
      return join(schema.parse(JSON.parse(metadata.get(summary) ?? "null")), tensors);
    },
  };
}

const surveySummary = z.object({
  measured: z.object({
    size: sizeVerdict,
    similarity: similarityVerdict,
    depthCurve: depthCurve.optional(),
  }),
  samples: z.array(z.int()),
});

export const surveyCodec: Codec<{ measured: Survey; known: KnownFeatures }> = bundle(
  surveySummary,
  ({ measured, known: { samples, features } }) => ({
    summary: { measured, samples: [...samples] },
    tensors: new Map([["features", float32(features, [features.length])]]),
  }),
  ({ measured, samples }, tensors) => ({
    measured,
    known: { samples, features: floats(tensors, "features") },
  }),
);

const probeSummary = z.object({
  l2: z.number(),
  iterations: z.int(),
  validationLoss: z.number(),
  classes: z.int(),
});

export const probeCodec: Codec<LinearProbe> = bundle(
  probeSummary,
  ({ weight, bias, validationLogits, l2, iterations, validationLoss }) => ({
    summary: { l2, iterations, validationLoss, classes: bias.length },
    tensors: new Map([
      ["weight", float32(weight, [weight.length / bias.length, bias.length])],
      ["bias", float32(bias, [bias.length])],
      ["logits", float32(validationLogits, [validationLogits.length / bias.length, bias.length])],
    ]),
  }),
  ({ l2, iterations, validationLoss }, tensors) => ({
    l2,
    iterations,
    validationLoss,
    weight: floats(tensors, "weight"),
    bias: floats(tensors, "bias"),
    validationLogits: floats(tensors, "logits"),
  }),
);

const stateSummary = z.object({
  tried: z.array(z.object({ l2: z.number(), iterations: z.int(), validationLoss: z.number() })),
  value: z.number(),
  iterations: z.int(),
  curvatures: z.array(z.number()),
});

export const probeStateCodec: Codec<ProbeState> = bundle(
  stateSummary,
  ({ tried, current: { point, gradient, value, iterations, corrections } }) => ({
    summary: {
      tried: tried.map(({ point: _, ...rest }) => rest),
      value,
      iterations,
      curvatures: corrections.map(({ curvature }) => curvature),
    },
    tensors: new Map([
      ["point", float64(point)],
      ["gradient", float64(gradient)],
      ...tried.map((one, i) => [`tried/${i}`, float64(one.point)] as const),
      ...corrections.map(({ step }, i) => [`step/${i}`, float64(step)] as const),
      ...corrections.map(({ change }, i) => [`change/${i}`, float64(change)] as const),
    ]),
  }),
  ({ tried, curvatures, ...rest }, tensors) => ({
    tried: tried.map((one, i) => ({ ...one, point: doubles(tensors, `tried/${i}`) })),
    current: {
      ...rest,
      point: doubles(tensors, "point"),
      gradient: doubles(tensors, "gradient"),
      corrections: curvatures.map((curvature, i) => ({
        step: doubles(tensors, `step/${i}`),
        change: doubles(tensors, `change/${i}`),
        curvature,
      })),
    },
  }),
);

const fitSummary = z.object({
  history: z.array(epochRecord),
  bestEpoch: z.int(),
  coefficient: z.number(),
  validationLoss: z.number(),
  stopped: z.enum(["epochs", "patience", "time"]),
  seconds: z.number(),
});

const weightPrefix = "weight/";

export const fitResultCodec: Codec<FitResult> = bundle(
  fitSummary,
  ({ weights, validationLogits, ...rest }) => ({
    summary: rest,
    tensors: new Map<string, Tensor>([
      ["logits", float32(validationLogits, [validationLogits.length])],
      ...[...weights].map(([name, tensor]) => [`${weightPrefix}${name}`, tensor] as const),
    ]),
  }),
  (rest, tensors) => ({
    ...rest,
    validationLogits: floats(tensors, "logits"),
    weights: new Map(
      [...tensors].flatMap(([name, tensor]) =>
        name.startsWith(weightPrefix) ? [[name.slice(weightPrefix.length), tensor] as const] : [],
      ),
    ),
  }),
);

export const fitStateCodec: Codec<FitState> = {
  encode: encodeCheckpoint,
  decode: decodeCheckpoint,
};

/** Bare numbers, such as a block of features. */
export const floatsCodec: Codec<Float32Array> = {
  encode: (values) =>
    safetensorsParts(new Map([["values", float32(values, [values.length])]]), new Map()),
  decode: (bytes) => floats(readSafetensors(bytes).tensors, "values"),
};

function float64(data: Float64Array): Tensor {
  return { type: "float64", dims: [data.length], data };
}

function doubles(tensors: ReadonlyMap<string, Tensor>, name: string): Float64Array {
  const tensor = tensors.get(name);
  if (tensor?.type !== "float64") throw new TypeError(`no float64 tensor ${name}`);
  return tensor.data;
}
