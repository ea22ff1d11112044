import * as attribute from "./attributes.ts";
import type { GraphBuilder } from "./build.ts";
import type { Attribute, Node } from "./graph.ts";
import type { Known } from "./rank.ts";
import { refuse } from "./refuse.ts";
import { int64 } from "./tensor.ts";

interface Context extends Known {
  /** The upgraded nodes go in here, in order. */
  readonly build: GraphBuilder;
}

interface Upgrade {
  /** First operator set of the newest form. */
  readonly since: number;
  readonly rewrite: (node: Node, context: Context) => void;
}

/**
 * The operators whose older forms no longer mean the same, with the operator set of their newest
 * form. Source: the version history in ONNX's operator changelog.
 */
export const upgrades: ReadonlyMap<string, Upgrade> = new Map<string, Upgrade>([
  ["BatchNormalization", { since: 14, rewrite: batchNormalization }],
  ["DFT", { since: 20, rewrite: discreteFourier }],
  ["Dropout", { since: 12, rewrite: dropout }],
  ["GridSample", { since: 20, rewrite: gridSample }],
  ["GroupNormalization", { since: 21, rewrite: groupNormalization }],
  ["Hardmax", { since: 13, rewrite: flattening }],
  ["LogSoftmax", { since: 13, rewrite: flattening }],
  ["ReduceL1", { since: 18, rewrite: axesToInput }],
  ["ReduceL2", { since: 18, rewrite: axesToInput }],
  ["ReduceLogSum", { since: 18, rewrite: axesToInput }],
  ["ReduceLogSumExp", { since: 18, rewrite: axesToInput }],
  ["ReduceMax", { since: 18, rewrite: axesToInput }],
  ["ReduceMean", { since: 18, rewrite: axesToInput }],
  ["ReduceMin", { since: 18, rewrite: axesToInput }],
  ["ReduceProd", { since: 18, rewrite: axesToInput }],
  ["ReduceSum", { since: 13, rewrite: axesToInput }],
  ["ReduceSumSquare", { since: 18, rewrite: axesToInput }],
  ["Resize", { since: 18, rewrite: resize }],
  ["RoiAlign", { since: 16, rewrite: roiAlign }],
  ["Softmax", { since: 13, rewrite: flattening }],
  ["Split", { since: 18, rewrite: split }],
  ["Squeeze", { since: 13, rewrite: axesToInput }],
  ["Unsqueeze", { since: 13, rewrite: axesToInput }],
]);

/** Axes moved from an attribute to an input; an empty list has always meant the same as none. */
function axesToInput(node: Node, { build }: Context): void {
  const axes = attribute.ints(node, "axes", []);
  const inputs = axes.length === 0 ? node.inputs : [...node.inputs.slice(0, 1), build.ints(axes)];
  build.copy({ ...without(node, "axes"), inputs });
}

/** Sizes moved to an input in 13; without them the number of parts must be said since 18. */
function split(node: Node, { build }: Context): void {
  const sizes = attribute.ints(node, "split", []);
  const [data = "", given = ""] = node.inputs;
  const bare = without(node, "split");
  if (sizes.length > 0) build.copy({ ...bare, inputs: [data, build.ints(sizes)] });
  else if (given !== "") build.copy(bare);
  else build.copy(withAttribute(bare, "num_outputs", { kind: "int", value: node.outputs.length }));
}

/** Until 12 these worked on the input flattened to two dimensions at `axis`. */
function flattening(node: Node, { build, rank }: Context): void {
  const [input = ""] = node.inputs;
  const axis = attribute.int(node, "axis", 1);
  const last = withAttribute(node, "axis", { kind: "int", value: -1 });
  if (axis === -1 || axis + 1 === rank(input)) {
    build.copy(last);
    return;
  }
  const flat = build.add("Flatten", [input], { axis });
  const result = build.fresh(node.op);
  build.copy({ ...last, inputs: [flat], outputs: [result] });
  writeShapedLike(build, result, input, node);
}

/** The ratio moved to an input in 12, beside a switch for training that is off when absent. */
function dropout(node: Node, { build }: Context): void {
  const ratio = build.scalar(attribute.float(node, "ratio", 0.5));
  build.copy({ ...without(node, "ratio"), inputs: [...node.inputs.slice(0, 1), ratio] });
}

/** Until 13 training was told by the outputs asked for: two running and two saved statistics. */
function batchNormalization(node: Node, { build }: Context): void {
  const outputs = node.outputs.slice(0, 3);
  const training = node.outputs.slice(1).some((output) => output !== "");
  build.copy({
    ...withAttribute(node, "training_mode", { kind: "int", value: Number(training) }),
    outputs,
  });
}

/** Empty tensors stood for absent inputs until 12; one coordinate mode is gone since 13. */
function resize(node: Node, { build, constant }: Context): void {
  const mode = "coordinate_transformation_mode";
  if (attribute.string(node, mode, "") === "tf_half_pixel_for_nn") {
    refuse("unsupported-upgrade", "This Resize uses a coordinate mode that newer ONNX dropped", {
      where: `Resize ${node.name}`,
      next: "Export the network with opset 13 or newer.",
    });
  }
  const inputs = node.inputs.map((input) => (constant(input)?.data.length === 0 ? "" : input));
  build.copy({ ...node, inputs });
}

/** Until 15 corners were never shifted by half a pixel; since 16 they are unless told not to be. */
function roiAlign(node: Node, { build }: Context): void {
  const value = attribute.string(node, "coordinate_transformation_mode", "output_half_pixel");
  build.copy(withAttribute(node, "coordinate_transformation_mode", { kind: "string", value }));
}

/** The interpolation modes were renamed in 20. */
function gridSample(node: Node, { build }: Context): void {
  const mode = attribute.string(node, "mode", "bilinear");
  const value = mode === "bilinear" ? "linear" : mode === "bicubic" ? "cubic" : mode;
  build.copy(withAttribute(node, "mode", { kind: "string", value }));
}

/** The axis moved to an input in 20, with another default. */
function discreteFourier(node: Node, { build }: Context): void {
  const axis = build.constant({ ...int64([attribute.int(node, "axis", 1)]), dims: [] });
  const [data = "", length = ""] = node.inputs;
  build.copy({ ...without(node, "axis"), inputs: [data, length, axis] });
}

/**
 * Until 20 scale and bias were per group, which is InstanceNormalization over the input with
 * each group as one channel.
 */
function groupNormalization(node: Node, { build }: Context): void {
  const [input = "", scale = "", bias = ""] = node.inputs;
  const groups = attribute.int(node, "num_groups", 1);
  const epsilon = attribute.real(attribute.float(node, "epsilon", 1e-5));
  const grouped = build.add("Reshape", [input, build.ints([0, groups, -1])]);
  const normal = build.add("InstanceNormalization", [grouped, scale, bias], { epsilon });
  writeShapedLike(build, normal, input, node);
}

/** Writes the node's first output: `value` in the shape of `like`. */
function writeShapedLike(build: GraphBuilder, value: string, like: string, node: Node): void {
  const shape = build.add("Shape", [like]);
  build.add("Reshape", [value, shape], {}, { output: node.outputs[0] ?? "" });
}

function without(node: Node, name: string): Node {
  const entries = Object.entries(node.attributes).filter(([key]) => key !== name);
  return { ...node, attributes: Object.fromEntries(entries) };
}

function withAttribute(node: Node, name: string, value: Attribute): Node {
  return { ...node, attributes: { ...node.attributes, [name]: value } };
}
