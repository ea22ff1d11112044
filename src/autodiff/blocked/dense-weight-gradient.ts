import { int, ints, string } from "../../onnx/attributes.ts";
import type { Graph, Node } from "../../onnx/graph.ts";
import { elementCount } from "../../onnx/tensor.ts";
import { moveBlocks, upTo } from "./move-blocks.ts";
import { shift } from "./shift.ts";
import { NCHWC, type Values } from "./values.ts";

/** A dense convolution, the gradient of its output, and the name its weights' gradient has. */
export interface WeightGradient {
  readonly convolution: Node;
  readonly dy: string;
  readonly output: string;
}

/** Positions of a picture for each channel from which products of single pictures are faster. */
const LARGE = 8;

/** The gradients of dense kernels larger than one element, by the gradient's name. */
export function denseWeightGradients(
  graph: Graph,
  gradients: ReadonlyMap<string, string>,
): ReadonlyMap<string, WeightGradient> {
  const found = new Map<string, WeightGradient>();
  for (const convolution of graph.nodes) {
    if (convolution.op !== "Conv" || convolution.domain !== "") continue;
    const output = gradients.get(convolution.inputs[1] ?? "");
    const dy = gradients.get(convolution.outputs[0] ?? "");
    if (output === undefined || dy === undefined || int(convolution, "group", 1) !== 1) continue;
    if (string(convolution, "auto_pad", "NOTSET") !== "NOTSET") continue;
    found.set(output, { convolution, dy, output });
  }
  return found;
}

/**
 * One product of dy and shifted x for each kernel element, as a 1x1 convolution over all positions:
 * dy is its input, and blocked activations are its weights as they stand. Large maps of few
 * channels are multiplied picture by picture, one group each, so that what a thread reads stays
 * near it. Returns false where the operands do not fill whole blocks.
 */
export function writeDenseWeightGradient(
  values: Values,
  { convolution, dy, output }: WeightGradient,
): boolean {
  const [x = "", w = ""] = convolution.inputs;
  const [input, weight, gradient] = [values.dims(x), values.dims(w), values.dims(dy)];
  if (input?.length !== 4 || weight?.length !== 4 || gradient?.length !== 4) return false;
  const { build, block } = values;
  const [batch = 1, channels = 1] = input;
  const [, features = 1, ...size] = gradient;
  const kernel = weight.slice(2);
  const taps = elementCount(kernel);
  const positions = elementCount(size);
  if (taps === 1 || channels < block || (batch * positions) % block !== 0) return false;
  if (!values.canBlock(x)) return false;

  const filled = values.filled(channels);
  const apart = positions % block === 0 && positions >= LARGE * Math.min(filled, features);
  const groups = apart ? batch : 1;
  const maps = apart ? values.blocked(x) : byChannel(values, x, input);
  const dims = apart ? values.nominal(input) : [filled / block, batch * block, ...input.slice(2)];
  const rows = byPosition(values, dy, gradient);
  const strides = ints(convolution, "strides", [1, 1]);
  const dilations = ints(convolution, "dilations", [1, 1]);
  const pads = ints(convolution, "pads", [0, 0, 0, 0]);
  const [, across = 1] = kernel;
  const products = upTo(taps).map((tap) => {
    const starts = [Math.floor(tap / across), tap % across].map(
      (at, axis) => at * (dilations[axis] ?? 1) - (pads[axis] ?? 0),
    );
    const shifted = shift(values, maps, dims, { starts, strides, size });
    const columns = values.reshape(shifted, [groups * filled, (batch * positions) / groups, 1, 1]);
    const product = build.add(
      "Conv",
      [rows, columns],
      { kernel_shape: [1, 1], group: groups },
      NCHWC,
    );
    const pieces = values.reshape(product, [groups, filled / block, features, block]);
    return apart ? build.add("ReduceSum", [pieces, build.ints([0])]) : pieces;
  });
  const stacked = build.add("Concat", products, { axis: 0 });
  // Each feature's kernels are a picture in blocked layout once its blocks stand together.
  const moved = moveBlocks(values, stacked, [taps, filled / block, features], [2, 1, 0]);
  const pictures = values.reshape(moved, [features, filled, ...kernel]);
  build.add("ReorderOutput", [pictures], { channels }, { ...NCHWC, output });
  return true;
}

/** x as the maps of N * block channels of each of its C / block blocks. */
function byChannel(values: Values, x: string, dims: readonly number[]): string {
  const { block } = values;
  const [batch = 1, channels = 1, ...size] = dims;
  const apart = values.reshape(values.blocked(x), values.grouped(dims));
  const turned = values.build.add("Transpose", [apart], { perm: [1, 0, 2, 3, 4] });
  return values.reshape(turned, [values.filled(channels) / block, batch * block, ...size]);
}

/** dy as the blocked input of a convolution whose channels are positions: [1, N * H * W, O, 1]. */
function byPosition(values: Values, dy: string, dims: readonly number[]): string {
  const { build, block } = values;
  const [batch = 1, features = 1, ...size] = dims;
  const positions = elementCount(size);
  const nominal = [1, batch * positions, features, 1];
  const plain = values.plain(dy);
  if (positions % block === 0) {
    const apart = values.reshape(plain, [batch, features, positions / block, block]);
    return values.reshape(build.add("Transpose", [apart], { perm: [0, 2, 1, 3] }), nominal);
  }
  const pictures = values.reshape(plain, [batch, features, positions]);
  const rows = build.add("Transpose", [pictures], { perm: [1, 0, 2] });
  const apart = values.reshape(rows, [features, (batch * positions) / block, block]);
  return values.reshape(build.add("Transpose", [apart], { perm: [1, 0, 2] }), nominal);
}
