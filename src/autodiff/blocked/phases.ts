import { turnedWeight } from "./convolution-weight.ts";
import { NCHWC, type Values } from "./values.ts";

/** A transposed convolution of stride 2 from x [N, O, *input] with weights [O, I, *kernel]. */
export interface Strided {
  readonly x: string;
  readonly w: string;
  readonly input: readonly number[];
  readonly weight: readonly number[];
  readonly pads: readonly number[];
}

/**
 * The even and the odd rows of the result, and of each the even and the odd columns, are plain
 * convolutions of x with every other element of the kernel; interleaving them in blocked layout
 * moves whole blocks. A quarter of the work of a convolution with zeros between the elements.
 * Returns the blocked result [N, I, 2H, 2W], or undefined where a phase has no kernel elements
 * or reaches less than x, or I is no multiple of 4.
 */
export function inPhases(values: Values, strided: Strided): string | undefined {
  const { build } = values;
  const [batch = 1, , height = 1, width = 1] = strided.input;
  const channels = strided.weight[1] ?? 1;
  if (channels % 4 !== 0) return undefined;
  const rows = [0, 1].map((phase) => along(strided, 0, phase));
  const columns = [0, 1].map((phase) => along(strided, 1, phase));
  if (
    [...rows, ...columns].some(({ taps, begin, end }) => taps.length < 1 || begin < 0 || end < 0)
  ) {
    return undefined;
  }
  const groups = values.filled(channels) / values.block;
  const lines = rows.map((row) => {
    const parts = columns.map((column) => {
      const weight = turnedWeight(values, strided.w, strided.weight, [row.taps, column.taps]);
      const phase = build.add(
        "Conv",
        [values.blocked(strided.x), weight],
        {
          kernel_shape: [row.taps.length, column.taps.length],
          pads: [row.begin, column.begin, row.end, column.end],
        },
        NCHWC,
      );
      return values.reshape(phase, [batch * groups * height, 1, width, 1, values.block]);
    });
    return build.add("Concat", parts, { axis: 3 });
  });
  const whole = build.add("Concat", lines, { axis: 1 });
  return values.reshape(whole, [batch, groups * values.block, height * 2, width * 2]);
}

/** The kernel elements of one phase along one axis, last first, and the padding of x for them. */
function along({ weight, pads }: Strided, axis: number, phase: number) {
  const kernel = weight[axis + 2] ?? 1;
  const pad = pads[axis] ?? 0;
  const first = (phase + pad) % 2;
  const count = Math.ceil((kernel - first) / 2);
  const shift = (phase + pad - first) / 2;
  return {
    taps: Array.from({ length: count }, (_, at) => first + 2 * (count - 1 - at)),
    begin: count - 1 - shift,
    end: shift,
  };
}
