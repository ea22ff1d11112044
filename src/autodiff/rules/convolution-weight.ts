import type { GraphBuilder } from "../../onnx/build.ts";
import { elementCount, float32 } from "../../onnx/tensor.ts";
import { reshape } from "./axes.ts";
import type { ConvFormulas, Convolution } from "./convolution-formulas.ts";

type Layout = "batched" | "flat";

/**
 * The gradient of a convolution's weights [features, channels / group, *kernel] from its input
 * x [batch, channels, *input] and the gradient of its output [batch, features, *output].
 */
export function weightGradient(
  build: GraphBuilder,
  convolution: Convolution,
  formula: ConvFormulas["weight"],
  x: string,
  gradient: string,
): string {
  switch (formula) {
    case "pointwise-batched":
      return pointwise(build, convolution, x, gradient, "batched");
    case "pointwise-flat":
      return pointwise(build, convolution, x, gradient, "flat");
    case "slices-batched":
      return slices(build, convolution, x, gradient, "batched");
    case "slices-flat":
      return slices(build, convolution, x, gradient, "flat");
    case "patches":
      return patches(build, convolution, x, gradient);
    case "depthwise":
      return depthwise(build, convolution, x, gradient);
    case "swapped":
      return swapped(build, convolution, x, gradient);
  }
}

function pointwise(
  build: GraphBuilder,
  convolution: Convolution,
  x: string,
  gradient: string,
  layout: Layout,
): string {
  const { batch, channels, features, group, kernel, strides, output } = convolution;
  const positions = elementCount(output);
  const thinned = strides.every((stride) => stride === 1)
    ? x
    : every(
        build,
        x,
        2,
        output.map(() => 0),
        strides,
        output,
      );
  const weightDims = [features, channels / group, ...kernel];
  if (layout === "flat") {
    const columns = build.add(
      "Transpose",
      [reshape(build, thinned, [batch, channels, positions])],
      {
        perm: [0, 2, 1],
      },
    );
    const flat = reshape(build, columns, [batch * positions, channels]);
    const rows = flatRows(build, convolution, gradient);
    return reshape(build, build.add("MatMul", [rows, flat]), weightDims);
  }
  const grouped = reshape(build, thinned, [batch, group, channels / group, positions]);
  const columns = build.add("Transpose", [grouped], { perm: [0, 1, 3, 2] });
  const rows = reshape(build, gradient, [batch, group, features / group, positions]);
  return reshape(build, overBatch(build, build.add("MatMul", [rows, columns])), weightDims);
}

function slices(
  build: GraphBuilder,
  convolution: Convolution,
  x: string,
  gradient: string,
  layout: Layout,
): string {
  const { batch, channels, features, kernel, strides, dilations, output } = convolution;
  const positions = elementCount(output);
  const rank = kernel.length;
  const last = build.add("Transpose", [x], { perm: [0, ...axes(rank, 2), 1] });
  const padded = padSpatial(build, convolution, last, 1);
  const rows =
    layout === "flat"
      ? flatRows(build, convolution, gradient)
      : reshape(build, gradient, [batch, features, positions]);
  const products = offsets(kernel).map((offset) => {
    const starts = offset.map((position, axis) => position * (dilations[axis] ?? 1));
    const slice = every(build, padded, 1, starts, strides, output);
    if (layout === "flat") {
      const columns = reshape(build, slice, [batch * positions, channels]);
      return reshape(build, build.add("MatMul", [rows, columns]), [1, features, channels]);
    }
    const columns = reshape(build, slice, [batch, positions, channels]);
    const summed = overBatch(build, build.add("MatMul", [rows, columns]));
    return reshape(build, summed, [1, features, channels]);
  });
  const stacked = reshape(build, build.add("Concat", products, { axis: 0 }), [
    ...kernel,
    features,
    channels,
  ]);
  return build.add("Transpose", [stacked], { perm: [rank, rank + 1, ...axes(rank, 0)] });
}

function patches(
  build: GraphBuilder,
  convolution: Convolution,
  x: string,
  gradient: string,
): string {
  const { batch, channels, features, kernel, output, strides, dilations, begin, end } = convolution;
  const positions = elementCount(output);
  const size = elementCount(kernel);
  const picks = new Float32Array(channels * size * size);
  for (let row = 0; row < channels * size; row++) picks[row * size + (row % size)] = 1;
  const unfolded = build.add(
    "Conv",
    [x, build.constant(float32(picks, [channels * size, 1, ...kernel]), "unfold")],
    { group: channels, kernel_shape: kernel, strides, dilations, pads: [...begin, ...end] },
  );
  const columns = build.add(
    "Transpose",
    [reshape(build, unfolded, [batch, channels * size, positions])],
    { perm: [0, 2, 1] },
  );
  const rows = reshape(build, gradient, [batch, features, positions]);
  const summed = overBatch(build, build.add("MatMul", [rows, columns]));
  return reshape(build, summed, [features, channels, ...kernel]);
}

function depthwise(
  build: GraphBuilder,
  convolution: Convolution,
  x: string,
  gradient: string,
): string {
  const { batch, channels, features, kernel, input, output } = convolution;
  const apart = build.add(
    "Conv",
    [
      reshape(build, x, [1, batch * channels, ...input]),
      reshape(build, gradient, [batch * features, 1, ...output]),
    ],
    { group: batch * channels, ...exchanged(convolution) },
  );
  const trimmed = trim(build, convolution, apart);
  return overBatch(build, reshape(build, trimmed, [batch, features, 1, ...kernel]));
}

function swapped(
  build: GraphBuilder,
  convolution: Convolution,
  x: string,
  gradient: string,
): string {
  const { batch, channels, group, kernel, input, output } = convolution;
  const rank = kernel.length;
  const grouped = reshape(build, x, [batch, group, channels / group, ...input]);
  const turned = build.add("Transpose", [grouped], { perm: [2, 1, 0, ...axes(rank, 3)] });
  const weight = build.add("Transpose", [gradient], { perm: [1, 0, ...axes(rank, 2)] });
  const found = build.add(
    "Conv",
    [reshape(build, turned, [channels / group, group * batch, ...input]), weight],
    { group, ...exchanged(convolution), kernel_shape: output },
  );
  const trimmed = trim(build, convolution, found);
  return build.add("Transpose", [trimmed], { perm: [1, 0, ...axes(rank, 2)] });
}

/** With dy as the kernel, what was a stride is a dilation and the other way round. */
function exchanged({ strides, dilations, output, begin, end }: Convolution) {
  return {
    kernel_shape: output,
    strides: dilations,
    dilations: strides,
    pads: [...begin, ...end],
  };
}

/** Cuts the positions off that no window of the forward convolution reached. */
function trim(build: GraphBuilder, { kernel }: Convolution, value: string): string {
  return every(
    build,
    value,
    2,
    kernel.map(() => 0),
    kernel.map(() => 1),
    kernel,
  );
}

/** dy as [features, batch * positions]. */
function flatRows(build: GraphBuilder, convolution: Convolution, gradient: string): string {
  const { batch, features, output } = convolution;
  const positions = elementCount(output);
  const first = build.add("Transpose", [reshape(build, gradient, [batch, features, positions])], {
    perm: [1, 0, 2],
  });
  return reshape(build, first, [features, batch * positions]);
}

function overBatch(build: GraphBuilder, value: string): string {
  return build.add("ReduceSum", [value, build.ints([0])], { keepdims: 0 });
}

/** Every `strides`-th element from `starts`, `counts` of them, on the axes from `first` on. */
function every(
  build: GraphBuilder,
  value: string,
  first: number,
  starts: readonly number[],
  strides: readonly number[],
  counts: readonly number[],
): string {
  return build.add("Slice", [
    value,
    build.ints(starts),
    build.ints(
      starts.map((start, axis) => start + ((counts[axis] ?? 1) - 1) * (strides[axis] ?? 1) + 1),
    ),
    build.ints(axes(starts.length, first)),
    build.ints(strides),
  ]);
}

function padSpatial(
  build: GraphBuilder,
  { begin, end }: Convolution,
  value: string,
  first: number,
): string {
  if ([...begin, ...end].every((pad) => pad === 0)) return value;
  return build.add("Pad", [
    value,
    build.ints([...begin, ...end]),
    "",
    build.ints(axes(begin.length, first)),
  ]);
}

function axes(count: number, first: number): number[] {
  return Array.from({ length: count }, (_, axis) => axis + first);
}

/** All positions in a kernel, in row-major order. */
function offsets(kernel: readonly number[]): number[][] {
  return kernel.reduce<number[][]>(
    (found, size) =>
      found.flatMap((offset) =>
        Array.from({ length: size }, (_, position) => [...offset, position]),
      ),
    [[]],
  );
}
