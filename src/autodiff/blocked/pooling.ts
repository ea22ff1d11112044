import { ints, string } from "../../onnx/attributes.ts";
import { elementCount, float32 } from "../../onnx/tensor.ts";
import { type BlockedRule, NCHWC, type Values } from "./values.ts";

/** The largest finite factor: any difference but a denormal one becomes 0 or 1. */
const STEEP = 3e38;

/**
 * Windows of 3 x 3 with stride 2, one element of padding and even maps, as most stems have them:
 * the maximum by columns, then by rows. The indices are written in plain layout where something
 * other than the pooling's own gradient reads them.
 */
export const MaxPool: BlockedRule = (values, node) => {
  const [x = ""] = node.inputs;
  const [output = "", indices = ""] = node.outputs;
  const dims = values.dims(x);
  if (dims?.length !== 4 || !values.isBlocked(x) || values.dims(output) === undefined) return false;
  const window = ["kernel_shape", "strides", "pads", "dilations"].map((name, at) =>
    ints(node, name, at === 2 ? [0, 0, 0, 0] : [1, 1]).join(),
  );
  if (window.join(" ") !== "3,3 2,2 1,1,1,1 1,1") return false;
  if (string(node, "auto_pad", "NOTSET") !== "NOTSET") return false;
  if (dims.slice(2).some((size) => size % 2 !== 0)) return false;
  const { build } = values;
  const largest = (value: string, axis: number) =>
    build.add("MaxPool", [value], alongAxis(axis, 3, [1, 1]), NCHWC);
  const byColumn = largest(values.blocked(x), 1);
  const y = largest(byColumn, 0);
  values.setBlocked(output, y);
  if (indices === "") return true;
  values.setDims(indices, values.dims(output));
  values.pools.set(indices, { x: values.blocked(x), byColumn, y, dims });
  values.setLazy(indices, () => {
    const outputs = [build.fresh(output), indices];
    build.copy({ ...node, name: build.fresh(node.name), inputs: [values.plain(x)], outputs });
  });
  return true;
};

/** The gradient of such a pooling, which scatters dy to where the maxima came from. */
export const ScatterElements: BlockedRule = (values, node) => {
  const [, index = "", update = ""] = node.inputs;
  const [output = ""] = node.outputs;
  const pooling = values.pools.get(values.view(index)?.source ?? "");
  const dy = values.view(update)?.source ?? "";
  if (pooling === undefined || !values.canBlock(dy)) return false;
  const [batch = 1, channels = 1, height = 1, width = 1] = pooling.dims;
  const narrow = [batch, channels, height, width / 2];
  const rows = route(values, narrow, 0, pooling.byColumn, pooling.y, values.blocked(dy));
  const whole = route(values, pooling.dims, 1, pooling.x, pooling.byColumn, rows);
  values.setBlockedView(output, whole, pooling.dims);
  return true;
};

/**
 * Takes the gradient of a maximum over windows of 3 with stride 2 along one axis back to the first
 * of the largest elements, as PyTorch does: elements 2i - 1, 2i and 2i + 1 share window i.
 * @param dims plain dimensions of x
 * @param axis 0 for rows, 1 for columns
 */
function route(
  values: Values,
  dims: readonly number[],
  axis: number,
  x: string,
  y: string,
  dy: string,
): string {
  const { build, block } = values;
  const filled = values.filled(dims[1] ?? 1);
  const steep = (beta: number) => ({ kind: "floats", value: [STEEP, beta] }) as const;
  const kernel = (taps: readonly number[]) =>
    build.constant(
      float32(
        Array.from({ length: filled / block }, () =>
          taps.flatMap((tap) => Array.from({ length: block }, () => tap)),
        ).flat(),
        [filled, 1, ...(axis === 0 ? [2, 1] : [1, 2])],
      ),
      "taps",
    );
  const firstTwo = build.add("MaxPool", [x], alongAxis(axis, 2, [1, 0]), NCHWC);
  const ahead = build.add("Sub", [y, firstTwo]);
  const isThird = build.add("HardSigmoid", [ahead], {
    alpha: { kind: "float", value: STEEP },
    beta: { kind: "float", value: 0 },
  });
  const third = build.add("Mul", [dy, isThird]);
  const rest = build.add("Sub", [dy, third]);
  const exceeds = build.add(
    "Conv",
    [x, kernel([-1, 1])],
    {
      ...alongAxis(axis, 2, [1, 0]),
      group: filled,
      activation: "HardSigmoid",
      activation_params: steep(0),
    },
    NCHWC,
  );
  // The first window has no first element: its second one wins over the padding.
  const size = (dims[axis + 2] ?? 1) / 2;
  const edge = axis === 0 ? [1, 1, size, 1, 1] : [1, 1, 1, size, block];
  const perPlace = elementCount(edge) / size;
  const border = build.constant(
    float32(
      Array.from({ length: size * perPlace }, (_, at) => (at < perPlace ? 1 : 0)),
      edge,
    ),
    "border",
  );
  const halved = dims.map((length, at) => (at === axis + 2 ? length / 2 : length));
  const apart = values.reshape(exceeds, values.grouped(halved));
  const isSecond = values.reshape(build.add("Max", [apart, border]), values.nominal(halved));
  const second = build.add("Mul", [rest, isSecond]);
  const first = build.add("Sub", [rest, second]);
  const odd = build.add(
    "Conv",
    [first, kernel([0, 1]), "", third],
    { ...alongAxis(axis, 2, [0, 1]), strides: [1, 1], group: filled },
    NCHWC,
  );
  const [batch = 1, , height = 1, width = 1] = halved;
  const lines = (batch * filled) / block;
  const pieces =
    axis === 0 ? [lines * height, 1, width * block] : [lines * height * width, 1, block];
  const parts = [second, odd].map((part) => values.reshape(part, pieces));
  return values.reshape(build.add("Concat", parts, { axis: 1 }), values.nominal(dims));
}

/** A window of stride 2 along one axis and of one element along the other. */
function alongAxis(axis: number, size: number, [begin = 0, end = 0]: readonly number[]) {
  const both = (value: number, other: number) => (axis === 0 ? [value, other] : [other, value]);
  return {
    kernel_shape: both(size, 1),
    strides: both(2, 1),
    pads: [...both(begin, 0), ...both(end, 0)],
  };
}
