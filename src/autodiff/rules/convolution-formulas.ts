import type { Window } from "./window.ts";

/** A convolution: x [batch, channels, *input] to y [batch, features, *output]. */
export interface Convolution extends Window {
  readonly batch: number;
  readonly channels: number;
  readonly features: number;
  readonly group: number;
}

export interface ConvFormulas {
  /**
   * Gradient of x: a convolution of dy with flipped, transposed weights, or a transposed
   * convolution.
   */
  readonly input: "flipped" | "transposed";
  /**
   * Gradient of the weights: `pointwise` a matrix product of dy and x, `slices` one such product
   * for each kernel position, `patches` one product with unfolded x, `depthwise` a convolution
   * with one group for each picture and channel, `swapped` a convolution that takes channels for
   * the batch. `batched` products run picture by picture and are summed, `flat` ones run over all
   * pictures at once after a transposition.
   */
  readonly weight:
    | "pointwise-batched"
    | "pointwise-flat"
    | "slices-batched"
    | "slices-flat"
    | "patches"
    | "depthwise"
    | "swapped";
}

/** Map size (positions) from which summing products of single pictures beats one flat product. */
const LARGE_MAP = 400;

/** The fastest known formulas for a convolution's gradients, chosen by shape. */
export function chooseConvFormulas(convolution: Convolution): ConvFormulas {
  return { input: chooseInput(convolution), weight: chooseWeight(convolution) };
}

function chooseInput({ kernel, strides, dilations, begin, end }: Convolution) {
  const flips = kernel.every((size, axis) => {
    const reach = (size - 1) * (dilations[axis] ?? 1);
    return strides[axis] === 1 && (begin[axis] ?? 0) <= reach && (end[axis] ?? 0) <= reach;
  });
  return flips ? "flipped" : "transposed";
}

function chooseWeight(convolution: Convolution): ConvFormulas["weight"] {
  const { kernel, begin, end, channels, group, output } = convolution;
  const large = output.reduce((product, size) => product * size, 1) >= LARGE_MAP;
  const padded = [...begin, ...end].some((pad) => pad !== 0);
  if (kernel.every((size) => size === 1) && !padded) {
    return large || group > 1 ? "pointwise-batched" : "pointwise-flat";
  }
  if (group > 1) return channels === group ? "depthwise" : "swapped";
  if (channels <= 4) return "patches";
  return large ? "slices-batched" : "slices-flat";
}
