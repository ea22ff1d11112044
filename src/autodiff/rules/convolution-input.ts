import type { GraphBuilder } from "../../onnx/build.ts";
import { reshape } from "./axes.ts";
import type { ConvFormulas, Convolution } from "./convolution-formulas.ts";
import { span, transposedAttributes } from "./window.ts";

/**
 * The gradient of a convolution's input [batch, channels, *input] from the gradient of its output
 * [batch, features, *output] and its weights [features, channels / group, *kernel].
 */
export function inputGradient(
  build: GraphBuilder,
  convolution: Convolution,
  formula: ConvFormulas["input"],
  gradient: string,
  weight: string,
): string {
  const { group, kernel, dilations, begin, end } = convolution;
  if (formula === "transposed") {
    return build.add("ConvTranspose", [gradient, weight], {
      group,
      ...transposedAttributes(convolution),
    });
  }
  const reach = kernel.map((_, axis) => span(convolution, axis) - 1);
  return build.add("Conv", [gradient, flippedWeight(build, convolution, weight)], {
    group,
    dilations,
    kernel_shape: kernel,
    pads: [begin, end].flatMap((pads) => pads.map((pad, axis) => (reach[axis] ?? 0) - pad)),
  });
}

/** [features, channels / group, *kernel] to [channels, features / group, *reversed kernel]. */
function flippedWeight(build: GraphBuilder, convolution: Convolution, weight: string): string {
  const { group, channels, features, kernel } = convolution;
  const transposed = transposeChannels(build, weight, group, features, channels, kernel);
  const axes = kernel.flatMap((size, axis) => (size > 1 ? [axis] : []));
  if (axes.length === 0) return transposed;
  return build.add("Slice", [
    transposed,
    build.ints(axes.map(() => -1)),
    build.ints(axes.map((axis) => -(kernel[axis] ?? 1) - 1)),
    build.ints(axes.map((axis) => axis + 2)),
    build.ints(axes.map(() => -1)),
  ]);
}

/** [outer, inner / group, *kernel] to [inner, outer / group, *kernel], group by group. */
function transposeChannels(
  build: GraphBuilder,
  weight: string,
  group: number,
  outer: number,
  inner: number,
  kernel: readonly number[],
): string {
  const [rows, columns] = [outer / group, inner / group];
  if (rows === 1 && columns === 1) return weight;
  const spatial = kernel.map((_, axis) => axis);
  if (group === 1) {
    return build.add("Transpose", [weight], { perm: [1, 0, ...spatial.map((axis) => axis + 2)] });
  }
  const grouped = reshape(build, weight, [group, rows, columns, ...kernel]);
  const turned = build.add("Transpose", [grouped], {
    perm: [0, 2, 1, ...spatial.map((axis) => axis + 3)],
  });
  return reshape(build, turned, [inner, rows, ...kernel]);
}
