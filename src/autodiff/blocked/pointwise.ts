import type { Node } from "../../onnx/graph.ts";
import { elementCount } from "../../onnx/tensor.ts";
import { affine, rowsOf } from "./affine.ts";
import type { BlockedRule, Values } from "./values.ts";

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
  const kinds = node.inputs.map((input) => kindOf(values.dims(input), dims));
  if (kinds.includes(undefined)) return false;
  const whole = node.inputs.filter((_, at) => kinds[at] === "whole");
  if (!whole.every((input) => values.canBlock(input))) return false;
  if (kinds.includes("channel")) return perChannel(values, node, dims, kinds);
  const inputs = node.inputs.map((input, at) =>
    kinds[at] === "number" ? values.plain(input) : values.blocked(input),
  );
  const y = values.build.add(node.op, inputs, node.attributes);
  if (node.op === "Add" && whole.length === 2) values.additions.add(y);
  values.setBlocked(output, y);
  return true;
};

function perChannel(
  values: Values,
  node: Node,
  dims: readonly number[],
  kinds: readonly (string | undefined)[],
): boolean {
  const [output = ""] = node.outputs;
  const [at, other] = [kinds.indexOf("whole"), kinds.indexOf("channel")];
  if (kinds.length !== 2 || at < 0) return false;
  const x = values.blocked(node.inputs[at] ?? "");
  const channel = node.inputs[other] ?? "";
  const rows = rowsOf(values.dims(channel) ?? [], dims[1] ?? 1);
  const given = { name: values.plain(channel), rows };
  if (node.op === "Mul") values.setBlocked(output, affine(values, x, dims, given));
  else if (node.op !== "Sub") values.setBlocked(output, affine(values, x, dims, 1, given));
  else if (other === 0) values.setBlocked(output, affine(values, x, dims, -1, given));
  else {
    const name = values.build.add("Neg", [given.name]);
    values.setBlocked(output, affine(values, x, dims, 1, { name, rows }));
  }
  return true;
}

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
