import { int, ints, string } from "../../onnx/attributes.ts";
import type { Node } from "../../onnx/graph.ts";
import { elementCount } from "../../onnx/tensor.ts";
import { denseWeight, depthwiseWeight } from "./convolution-weight.ts";
import { inPhases } from "./phases.ts";
import { type BlockedRule, NCHWC, type Values } from "./values.ts";

/** Dense and depthwise convolutions of pictures, and the depthwise weight gradient. */
export const Conv: BlockedRule = (values, node) => {
  const [x = "", w = "", bias = ""] = node.inputs;
  const [weight, output] = [values.dims(w), values.dims(node.outputs[0] ?? "")];
  if (weight?.length !== 4 || output?.length !== 4) return false;
  if (string(node, "auto_pad", "NOTSET") !== "NOTSET") return false;
  const [features = 1, channels = 1, ...kernel] = weight;
  const group = int(node, "group", 1);
  if (group > 1 && (channels !== 1 || features !== group)) return false;
  if (values.view(x) !== undefined) return group > 1 && weightGradient(values, node);
  // Vectors have nothing to gain: with one position a channel both forms are the same.
  if (elementCount(output.slice(2)) === 1 && elementCount(kernel) === 1) return false;

  const stem = group === 1 && channels < values.block && !values.isBlocked(x);
  if (!stem && !values.canBlock(x)) return false;
  const depthwise = group > 1;
  const into = depthwise
    ? depthwiseWeight(values, w, weight)
    : denseWeight(values, w, weight, stem);
  const filled = values.filled(features);
  const biases = bias === "" ? [] : [values.fill(values.plain(bias), [features], 0, filled)];
  const y = values.build.add(
    "Conv",
    [stem ? values.plain(x) : values.blocked(x), into, ...biases],
    { ...node.attributes, group: depthwise ? filled : 1, kernel_shape: kernel },
    NCHWC,
  );
  values.setBlocked(node.outputs[0] ?? "", y);
  return true;
};

/**
 * A transposed convolution, as the gradient of strided ones is. Depthwise, where memory is the
 * limit: a convolution of the input with zeros between its elements. Dense of stride 2: in phases.
 */
export const ConvTranspose: BlockedRule = (values, node) => {
  const [x = "", w = "", bias = ""] = node.inputs;
  const [input, weight] = [values.dims(x), values.dims(w)];
  const [output = ""] = node.outputs;
  if (input?.length !== 4 || weight?.length !== 4 || bias !== "") return false;
  const [features = 1, channels = 1, ...kernel] = weight;
  const strides = ints(node, "strides", [1, 1]);
  const dilations = ints(node, "dilations", [1, 1]);
  const pads = ints(node, "pads", [0, 0, 0, 0]);
  const added = ints(node, "output_padding", [0, 0]);
  const group = int(node, "group", 1);
  const dense = group === 1 && channels > 1;
  if (!dense && (channels !== 1 || features !== group || group === 1)) return false;
  if (node.attributes.output_shape !== undefined || !values.canBlock(x)) return false;
  if (string(node, "auto_pad", "NOTSET") !== "NOTSET") return false;
  if (dense) {
    const doubles = values
      .dims(output)
      ?.slice(2)
      .every((size, axis) => size === 2 * (input[axis + 2] ?? 1));
    if (!doubles || [...strides, ...dilations].join() !== "2,2,1,1") return false;
    const found = inPhases(values, { x, w, input, weight, pads });
    if (found !== undefined) values.setBlocked(output, found);
    return found !== undefined;
  }
  const reach = kernel.map((size, axis) => (size - 1) * (dilations[axis] ?? 1));
  const begin = reach.map((size, axis) => size - (pads[axis] ?? 0));
  const end = reach.map(
    (size, axis) => size - (pads[axis + 2] ?? 0) + (added[axis] ?? 0) - ((strides[axis] ?? 1) - 1),
  );
  if ([...begin, ...end].some((pad) => pad < 0)) return false;

  const [batch = 1, , height = 1, width = 1] = input;
  const [down = 1, across = 1] = strides;
  const { block, build } = values;
  const groups = values.filled(features) / block;
  const rows = values.reshape(values.blocked(x), [batch * groups * height, 1, width, block]);
  const spread = build.add("Pad", [
    rows,
    build.ints([0, 0, 0, 0, 0, down - 1, 0, (across - 1) * block]),
  ]);
  const apart = [batch, groups * block, height * down, width * across];
  const flipped = build.add("Slice", [
    values.plain(w),
    build.ints([-1, -1]),
    build.ints(kernel.map((size) => -size - 1)),
    build.ints([2, 3]),
    build.ints([-1, -1]),
  ]);
  const y = build.add(
    "Conv",
    [values.reshape(spread, apart), depthwiseWeight(values, flipped, weight)],
    { group: groups * block, kernel_shape: kernel, dilations, pads: [...begin, ...end] },
    NCHWC,
  );
  values.setBlocked(output, y);
  return true;
};

/**
 * A convolution with one group for each picture and channel, x [1, N * C, H, W] with dy
 * [N * C, 1, H', W'] as its kernels: blocked activations are blocked depthwise kernels as they
 * stand.
 */
function weightGradient(values: Values, node: Node): boolean {
  const [x, dy] = node.inputs.map((input) => values.view(input)?.source ?? "");
  const [output = ""] = node.outputs;
  if (x === undefined || dy === undefined || node.inputs.length > 2) return false;
  const [input, gradient] = [values.dims(x), values.dims(dy)];
  if (input === undefined || gradient === undefined) return false;
  if (!values.canBlock(x) || !values.canBlock(dy)) return false;
  const [batch = 1, channels = 1, ...size] = input;
  if (gradient[0] !== batch || gradient[1] !== channels) return false;
  const filled = values.filled(channels);
  const found = values.build.add(
    "Conv",
    [
      values.reshape(values.blocked(x), [1, batch * filled, ...size]),
      values.reshape(values.blocked(dy), [batch * filled, 1, ...gradient.slice(2)]),
    ],
    { ...node.attributes, group: batch * filled },
    NCHWC,
  );
  const kernel = values.dims(output)?.slice(2) ?? [];
  const plain = values.build.add("ReorderOutput", [found], { channels: batch * filled }, NCHWC);
  const apart = [batch, filled, ...kernel];
  const trimmed = values.trim(values.reshape(plain, apart), apart, 1, channels);
  values.reshape(trimmed, [1, batch * channels, ...kernel], output);
  return true;
}
