import { float32 } from "../../onnx/tensor.ts";
import { upTo } from "./move-blocks.ts";
import { NCHWC, type Values } from "./values.ts";

/** Where a kernel element meets a map: place `starts + strides * at` of it, for each `at` < size. */
export interface Places {
  /** May lie before the map's first element; what lies outside is zero. */
  readonly starts: readonly number[];
  readonly strides: readonly number[];
  readonly size: readonly number[];
}

/**
 * The elements of each channel's map at these places, as a depthwise convolution whose kernels
 * hold a single one: it pads and takes in one pass on all threads, where Pad and Slice use one.
 * @param x blocked [N, C, H, W], C filled up
 */
export function shift(
  values: Values,
  x: string,
  dims: readonly number[],
  { starts, strides, size }: Places,
): string {
  const [, channels = 1, ...spatial] = dims;
  const still = [...starts, ...strides].every((number, at) => number === (at < 2 ? 0 : 1));
  if (still && size.join() === spatial.join()) return x;
  const along = spatial.map((length, axis) => {
    const [start = 0, stride = 1] = [starts[axis], strides[axis]];
    const [begin, place] = [Math.max(-start, 0), Math.max(start, 0)];
    const missing = stride * ((size[axis] ?? 1) - 1) + place + 1 - length - begin;
    // A convolution leaves out less than a stride; a longer kernel leaves out more.
    const kernel = place + 1 + Math.max(0, 1 - stride - missing);
    return { begin, place, kernel, end: Math.max(missing, 0) };
  });
  const kernel = along.map((axis) => axis.kernel);
  const [rows = 1, columns = 1] = kernel;
  const place = (along[0]?.place ?? 0) * columns + (along[1]?.place ?? 0);
  const weight = values.once(`shift ${channels} ${kernel.join()} ${place}`, () => {
    const { block, build } = values;
    const data = upTo(channels * rows * columns).map((at) =>
      Math.floor(at / block) % (rows * columns) === place ? 1 : 0,
    );
    return build.constant(float32(data, [channels, 1, ...kernel]), "shift");
  });
  const pads = [...along.map(({ begin }) => begin), ...along.map(({ end }) => end)];
  return values.build.add(
    "Conv",
    [x, weight],
    { group: channels, kernel_shape: kernel, strides, pads },
    NCHWC,
  );
}
