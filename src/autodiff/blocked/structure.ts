import { int } from "../../onnx/attributes.ts";
import { elementCount } from "../../onnx/tensor.ts";
import { affine } from "./affine.ts";
import { turn } from "./convolution-weight.ts";
import { type BlockedRule, NCHWC, type Values } from "./values.ts";

/** A Reshape of a blocked value is put off: most readers take the value as it is. */
export const Reshape: BlockedRule = (values, node) => {
  const [x = "", shape = ""] = node.inputs;
  const [output = ""] = node.outputs;
  const view = values.view(x);
  const [from, dims] = [values.dims(view?.source ?? x), values.dims(output)];
  if (view !== undefined && from?.join() === dims?.join() && values.isBlocked(view.source)) {
    values.setBlocked(output, values.blocked(view.source));
    return true;
  }
  if (view !== undefined || from?.length !== 4 || dims === undefined) return false;
  const convolved = elementCount(from.slice(2)) > 1 && values.canBlock(x);
  if (!convolved) return false;
  const write = () => {
    values.build.add("Reshape", [values.plain(x), shape], {}, { output });
  };
  values.setView(output, { source: x, dims }, write);
  return true;
};

/** A Transpose that takes the channels behind the positions moves whole blocks; weights wait. */
export const Transpose: BlockedRule = (values, node) => {
  if (turn(values, node)) return true;
  const [x = ""] = node.inputs;
  const [output = ""] = node.outputs;
  const [from, found] = [flattened(values, x), values.dims(output)];
  if (from === undefined || found === undefined) return false;
  const { view, batch, channels, spatial, positions } = from;
  const moved = [
    [batch, ...spatial, channels],
    [batch, positions, channels],
    [batch, 1, positions, channels],
  ];
  const perm = node.attributes.perm;
  const last =
    perm?.kind === "ints" && perm.value.at(-1) === perm.value.length - (view === undefined ? 3 : 2);
  if (!last || !moved.some((shape) => shape.join() === found.join())) return false;
  if (view !== undefined && perm.value.slice(0, -2).some((axis, at) => axis !== at)) return false;
  const turned = values.build.add("Transpose", [from.read()], { perm: [0, 2, 1, 3] });
  const whole = [batch, positions, values.filled(channels)];
  const trimmed = values.trim(values.reshape(turned, whole), whole, 2, channels);
  values.reshape(trimmed, found, output);
  return true;
};

/** Sums over the positions of each channel. */
export const reduce: BlockedRule = (values, node) => {
  const [x = "", axes = ""] = node.inputs;
  const [output = ""] = node.outputs;
  const [from, found] = [flattened(values, x), values.dims(output)];
  if (from === undefined || found === undefined) return false;
  const { view, batch, channels, positions } = from;
  const over = values.ints(axes)?.toSorted().join();
  const flat = view?.dims.join() === [batch, channels, positions].join();
  if (!(view === undefined ? over === "2,3" : flat && over === "2")) return false;
  const sums = values.build.add(node.op, [from.read(), values.build.ints([2])], { keepdims: 0 });
  const whole = [batch, values.filled(channels)];
  const trimmed = values.trim(values.reshape(sums, whole), whole, 1, channels);
  values.reshape(trimmed, found, output);
  return true;
};

/**
 * A blocked value [N, C, H, W], or what a view shows of it, ready to be read with its positions in
 * one axis; undefined where there is none. `read` adds [N, blocks, H * W, channels of a block].
 */
function flattened(values: Values, x: string) {
  const view = values.view(x);
  const source = view?.source ?? x;
  const dims = values.dims(source);
  if (dims?.length !== 4 || !values.isBlocked(source)) return undefined;
  const [batch = 1, channels = 1, ...spatial] = dims;
  const positions = elementCount(spatial);
  const groups = values.filled(channels) / values.block;
  const read = () =>
    values.reshape(values.blocked(source), [batch, groups, positions, values.block]);
  return { view, batch, channels, spatial, positions, read };
}

export const GlobalAveragePool: BlockedRule = (values, node) => {
  const [x = ""] = node.inputs;
  const channels = values.dims(x)?.[1];
  if (channels === undefined || !values.isBlocked(x)) return false;
  const pooled = values.build.add("GlobalAveragePool", [values.blocked(x)], {}, NCHWC);
  const [output = ""] = node.outputs;
  values.build.add("ReorderOutput", [pooled], { channels }, { ...NCHWC, output });
  return true;
};

/** One number a channel repeated over all positions, in whichever form it is asked for. */
export const Expand: BlockedRule = (values, node) => {
  const [x = ""] = node.inputs;
  const [output = ""] = node.outputs;
  const [from, dims] = [values.dims(x), values.dims(output)];
  if (from?.length !== 4 || dims?.length !== 4) return false;
  if (elementCount(from.slice(2)) !== 1 || from[1] !== dims[1] || from[0] !== dims[0]) return false;
  const { build } = values;
  const plain = () => {
    build.add("Expand", [values.plain(x), ...node.inputs.slice(1)], {}, { output });
  };
  values.setLazy(output, plain, () => {
    const channel = values.perChannel(x, dims[1] ?? 1);
    const whole = build.add("Expand", [channel, build.ints(values.grouped(dims))]);
    return values.reshape(whole, values.nominal(dims));
  });
  return true;
};

/** With stored statistics: a scale and a shift a channel, which is a depthwise 1x1 convolution. */
export const BatchNormalization: BlockedRule = (values, node) => {
  const [x = "", scale = "", bias = "", mean = "", variance = ""] = node.inputs;
  const [output = ""] = node.outputs;
  const epsilon = node.attributes.epsilon;
  if (int(node, "training_mode", 0) === 1) return false;
  const view = values.view(x);
  const source = view?.source ?? x;
  const dims = values.dims(source);
  if (dims?.length !== 4 || !values.isBlocked(source)) return false;
  const [batch = 1, channels = 1, ...spatial] = dims;
  const rows = view === undefined ? 1 : batch;
  const positions = elementCount(spatial);
  if (view !== undefined && view.dims.join() !== [1, batch * channels, positions].join())
    return false;
  const { build } = values;
  const shift = build.scalar(epsilon?.kind === "float" ? epsilon.value : 1e-5);
  const deviation = build.add("Sqrt", [build.add("Add", [values.plain(variance), shift])]);
  const factor = build.add("Div", [values.plain(scale), deviation]);
  const offset = build.add("Sub", [
    values.plain(bias),
    build.add("Mul", [values.plain(mean), factor]),
  ]);
  const y = affine(
    values,
    values.blocked(source),
    dims,
    { name: factor, rows },
    { name: offset, rows },
  );
  if (view === undefined) values.setBlocked(output, y);
  else values.setBlockedView(output, y, dims);
  return true;
};
