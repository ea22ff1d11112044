import type { Model } from "../onnx/graph.ts";

/** How a picture becomes the network's input. */
export interface Preprocessing {
  /** Input size in pixels. */
  readonly width: number;
  readonly height: number;
  /**
   * `squash` resizes to width x height ignoring the aspect; `crop` resizes the shorter side to
   * `resize` pixels and cuts the centre out.
   */
  readonly fit: "squash" | "crop";
  /** Shorter side before the centre crop, in pixels; only with `crop`. */
  readonly resize?: number;
  readonly interpolation: "bilinear" | "bicubic" | "nearest" | "lanczos";
  /** Channel order of the input. */
  readonly channels: "rgb" | "bgr";
  /** Per channel, on pixels scaled to 0..1: (pixel - mean) / std. */
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

/** Where a network came from, for the report and the result's metadata. */
export interface Provenance {
  /** What the user wrote after `--model`, or the default's own specifier. */
  readonly spec: string;
  /** SHA-256 of the weights file, lower-case hex. */
  readonly sha256: string;
  readonly license?: string;
}

/** A pretrained network ready to be measured, cut and trained. */
export interface Pretrained {
  /** A short name a person recognises, for example `MobileNetV3-Small`. */
  readonly name: string;
  readonly model: Model;
  /** Name of the image input, float32 NCHW; the batch dimension may be symbolic. */
  readonly input: string;
  readonly preprocessing: Preprocessing;
  /** The classes the old classifier knew, in logit order. */
  readonly labels?: readonly string[];
  readonly provenance: Provenance;
}

/**
 * A tensor every path from input to output crosses: the network splits there into a frozen
 * prefix and a trainable suffix.
 */
export interface Cut {
  /** Name of the tensor. The network's input itself is the cut that freezes nothing. */
  readonly value: string;
  /** A name a person recognises, for example `features.7` or `block 4`. */
  readonly name: string;
  /** Number of nodes in the prefix. */
  readonly depth: number;
  /** Dimensions for a batch of one. */
  readonly dims: readonly number[];
  /** Trainable scalars on either side. */
  readonly parametersBefore: number;
  readonly parametersAfter: number;
  /** Multiply-adds for one picture on either side. */
  readonly flopsBefore: number;
  readonly flopsAfter: number;
}
