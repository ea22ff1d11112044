import { ints, string } from "../../onnx/attributes.ts";
import type { Node } from "../../onnx/graph.ts";

/** How a convolution or pooling window moves; one entry a spatial axis, pads resolved. */
export interface Window {
  readonly input: readonly number[];
  readonly output: readonly number[];
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Padding before and after the input. */
  readonly begin: readonly number[];
  readonly end: readonly number[];
}

/** The window of a node that slides over `input` and gives `output` (spatial dimensions). */
export function windowOf(
  node: Node,
  input: readonly number[],
  output: readonly number[],
  kernel: readonly number[],
): Window {
  const ones = kernel.map(() => 1);
  const strides = ints(node, "strides", ones);
  const dilations = ints(node, "dilations", ones);
  const moving = { input, output, kernel, strides, dilations };
  const autoPad = string(node, "auto_pad", "NOTSET");
  if (autoPad === "NOTSET") {
    const pads = ints(node, "pads", [...ones, ...ones].fill(0));
    return { ...moving, begin: pads.slice(0, kernel.length), end: pads.slice(kernel.length) };
  }
  const total = kernel.map((_, axis) =>
    autoPad === "VALID" ? 0 : Math.max(0, covered(moving, axis) - (input[axis] ?? 1)),
  );
  const smaller = total.map((pad) => Math.floor(pad / 2));
  const larger = total.map((pad) => Math.ceil(pad / 2));
  return autoPad === "SAME_LOWER"
    ? { ...moving, begin: larger, end: smaller }
    : { ...moving, begin: smaller, end: larger };
}

/** Positions of the padded input that the kernel spans along an axis. */
export function span(window: Pick<Window, "kernel" | "dilations">, axis: number): number {
  return ((window.kernel[axis] ?? 1) - 1) * (window.dilations[axis] ?? 1) + 1;
}

/** Positions of the padded input that all windows together span along an axis. */
export function covered(
  window: Pick<Window, "kernel" | "dilations" | "strides" | "output">,
  axis: number,
): number {
  return ((window.output[axis] ?? 1) - 1) * (window.strides[axis] ?? 1) + span(window, axis);
}

/**
 * The attributes with which ConvTranspose takes the window's output back to its input. Windows
 * that end before the input does need output padding, windows that overhang it a larger crop.
 */
export function transposedAttributes(window: Window) {
  const rest = window.input.map(
    (size, axis) =>
      size + (window.begin[axis] ?? 0) + (window.end[axis] ?? 0) - covered(window, axis),
  );
  return {
    strides: window.strides,
    dilations: window.dilations,
    kernel_shape: window.kernel,
    pads: [...window.begin, ...window.end.map((pad, axis) => pad - Math.min(0, rest[axis] ?? 0))],
    output_padding: rest.map((size) => Math.max(0, size)),
  };
}
