import { float, int } from "../onnx/attributes.ts";
import type { Node } from "../onnx/graph.ts";
import type { ForwardWriter } from "./forward-writer.ts";

/**
 * Writes a convolution and the frozen BatchNormalization after it as one convolution whose weights
 * carry the scale, w' = w * scale / deviation and b' = bias + (b - mean) * scale / deviation, so
 * that no pass over the activations is left and gradients reach w, b, scale and bias through the
 * fold.
 */
export function writeFoldedConvolution(writer: ForwardWriter, conv: Node, norm: Node): void {
  const [x = "", weight = "", convBias = ""] = conv.inputs;
  const [, scale = "", bias = "", mean = "", variance = ""] = norm.inputs;
  const weightDims = writer.dims(weight);
  const channels = weightDims[0] ?? 1;
  const vector = (op: string, inputs: readonly string[]) => writer.add(op, inputs, [channels]);

  const epsilon = writer.build.scalar(float(norm, "epsilon", 1e-5));
  const deviation = vector("Sqrt", [vector("Add", [variance, epsilon])]);
  const factor = vector("Div", [scale, deviation]);
  const filterDims = weightDims.map((_, axis) => (axis === 0 ? channels : 1));
  const perFilter = writer.add("Reshape", [factor, writer.build.ints(filterDims)], filterDims);
  const foldedWeight = writer.add("Mul", [weight, perFilter], weightDims);
  const foldedBias =
    convBias === ""
      ? vector("Sub", [bias, vector("Mul", [mean, factor])])
      : vector("Add", [bias, vector("Mul", [vector("Sub", [convBias, mean]), factor])]);
  writer.copy({
    ...conv,
    inputs: [x, foldedWeight, foldedBias],
    outputs: [norm.outputs[0] ?? ""],
  });
}

/** Whether a BatchNormalization stands in inference form behind a convolution only it reads. */
export function foldable(
  norm: Node,
  conv: Node | undefined,
  readers: readonly Node[] | undefined,
  isParameter: (value: string) => boolean,
): conv is Node {
  return (
    norm.op === "BatchNormalization" &&
    int(norm, "training_mode", 0) === 0 &&
    conv?.op === "Conv" &&
    conv.domain === "" &&
    readers?.length === 1 &&
    [conv.inputs[1] ?? "", ...norm.inputs.slice(1)].every(isParameter)
  );
}
