import { elementCount } from "../../onnx/tensor.ts";
import type { BlockedRule } from "./convolution.ts";

/** Operators of one tensor that keep filled-up channels finite. */
export const unary: BlockedRule = (values, node) => {
  const [x = "", ...rest] = node.inputs;
  if (!values.isBlocked(x)) return false;
  const inputs = [
    values.blocked(x),
    ...rest.map((input) => (input === "" ? "" : values.plain(input))),
  ];
  const y = values.build.add(node.op, inputs, node.attributes);
  values.setBlocked(node.outputs[0] ?? "", y);
  return true;
};

/** Operators of several tensors, each whole, one number, or one number a channel. */
export const broadcast: BlockedRule = (values, node) => {
  const [output = ""] = node.outputs;
  const dims = values.dims(output);
  if (dims?.length !== 4 || !node.inputs.some((input) => values.isBlocked(input))) return false;
  const [, channels = 1] = dims;
  const kinds = node.inputs.map((input) => kindOf(values.dims(input), dims));
  if (kinds.includes(undefined)) return false;
  const whole = node.inputs.filter((_, at) => kinds[at] === "whole");
  if (!whole.every((input) => values.canBlock(input))) return false;
  const apart = kinds.includes("channel");
  const inputs = node.inputs.map((input, at) => {
    if (kinds[at] === "number") return values.plain(input);
    if (kinds[at] === "channel") return values.perChannel(input, channels);
    const blocked = values.blocked(input);
    return apart ? values.reshape(blocked, values.grouped(values.dims(input) ?? [])) : blocked;
  });
  const y = values.build.add(node.op, inputs, node.attributes);
  values.setBlocked(output, apart ? values.reshape(y, values.nominal(dims)) : y);
  return true;
};

function kindOf(
  dims: readonly number[] | undefined,
  [batch, channels, ...spatial]: readonly number[],
): "whole" | "number" | "channel" | undefined {
  if (dims === undefined) return undefined;
  if (dims.join() === [batch, channels, ...spatial].join()) return "whole";
  if (elementCount(dims) === 1) return "number";
  const [c, ...rest] = dims.length === 4 ? dims.slice(1) : dims;
  const single = dims.length === 3 || (dims.length === 4 && (dims[0] === batch || dims[0] === 1));
  return single && c === channels && rest.every((dim) => dim === 1) ? "channel" : undefined;
}
