import { elementCount, float32 } from "../../onnx/tensor.ts";
import { NCHWC, type Values } from "./values.ts";

/** One number a channel, [rows * channels] of them; rows is 1 or the batch. */
interface PerChannel {
  readonly name: string;
  readonly rows: number;
}

/**
 * x * factor + offset with one factor and one offset a channel, as a depthwise 1x1 convolution:
 * one pass, where broadcasting over blocks of channels works in runs of one block only. Returns the
 * blocked result.
 * @param source a blocked value
 * @param dims its plain dimensions [N, C, H, W]
 * @param factor a number where it is the same for all channels
 */
export function affine(
  values: Values,
  source: string,
  dims: readonly number[],
  factor: PerChannel | number,
  offset?: PerChannel,
): string {
  const [batch = 1, channels = 1, ...spatial] = dims;
  const filled = values.filled(channels);
  const rows = Math.max(typeof factor === "number" ? 1 : factor.rows, offset?.rows ?? 1);
  const size = rows * filled;
  const spread = (value: PerChannel) => {
    const apart = values.reshape(value.name, [value.rows, channels]);
    const whole = values.fill(apart, [value.rows, channels], 1, filled);
    if (value.rows === rows) return whole;
    return values.build.add("Expand", [whole, values.build.ints([rows, filled])]);
  };
  const weight =
    typeof factor === "number"
      ? values.build.constant(
          float32(new Float32Array(size).fill(factor), [size, 1, 1, 1]),
          "factors",
        )
      : values.reshape(spread(factor), [size, 1, 1, 1]);
  const x = rows === 1 ? source : values.reshape(source, [1, batch * filled, ...spatial]);
  const y = values.build.add(
    "Conv",
    [x, weight, ...(offset === undefined ? [] : [values.reshape(spread(offset), [size])])],
    { group: size, kernel_shape: [1, 1] },
    NCHWC,
  );
  return rows === 1 ? y : values.reshape(y, values.nominal(dims));
}

/** How often a tensor repeats one number a channel: 1, or the batch where each row has its own. */
export function rowsOf(dims: readonly number[], channels: number): number {
  return elementCount(dims) / channels;
}
