import { int, ints, string } from "../../onnx/attributes.ts";
import { sumOver, sumTo } from "../broadcast.ts";
import type { Rule } from "../rule.ts";
import { reshape } from "./axes.ts";
import { single } from "./pointwise.ts";

/** Back to the input's own dimensions; the elements keep their order. */
const reshaped: Rule = single(({ build, x, dy, context }) => reshape(build, dy, context.dims(x)));

export { reshaped as Flatten, reshaped as Reshape, reshaped as Squeeze, reshaped as Unsqueeze };

export const Transpose = single(({ build, node, x, dy, context }) => {
  const reversed = context.dims(x).map((_, axis, all) => all.length - 1 - axis);
  const perm = ints(node, "perm", reversed);
  return build.add("Transpose", [dy], { perm: perm.map((_, axis) => perm.indexOf(axis)) });
});

export const Expand = single(({ build, x, y, dy, context }) =>
  sumTo(build, dy, context.dims(y), context.dims(x)),
);

export const Tile = single(({ build, x, y, dy, context }) => {
  const from = context.dims(x);
  const to = context.dims(y);
  const apart = from.flatMap((dim, axis) => [(to[axis] ?? dim) / dim, dim]);
  const repeats = from.flatMap((dim, axis) => (to[axis] === dim ? [] : [2 * axis]));
  const summed = sumOver(build, reshape(build, dy, apart), repeats, false);
  return reshape(build, summed, from);
});

export const DepthToSpace = single(({ build, node, x, dy, context }) => {
  const blocksize = int(node, "blocksize", 1);
  if (string(node, "mode", "DCR") === "DCR") return build.add("SpaceToDepth", [dy], { blocksize });
  const [n = 1, channels = 1, height = 1, width = 1] = context.dims(x);
  const depth = channels / blocksize ** 2;
  const blocks = reshape(build, dy, [n, depth, height, blocksize, width, blocksize]);
  const order = build.add("Transpose", [blocks], { perm: [0, 1, 3, 5, 2, 4] });
  return reshape(build, order, context.dims(x));
});

export const SpaceToDepth = single(({ build, node, dy }) =>
  build.add("DepthToSpace", [dy], { blocksize: int(node, "blocksize", 1), mode: "DCR" }),
);
