import type { Node } from "../onnx/graph.ts";
import type { ForwardWriter } from "./forward-writer.ts";

/** Writes a convolution less the running mean of the BatchNormalization behind it, in its bias. */
export function writeShiftedConvolution(
  writer: ForwardWriter,
  conv: Node,
  runningMean: string,
): void {
  const [x = "", weight = "", bias = ""] = conv.inputs;
  const dims = writer.dims(runningMean);
  const shift =
    bias === ""
      ? writer.add("Neg", [runningMean], dims)
      : writer.add("Sub", [bias, runningMean], dims);
  writer.copy({ ...conv, inputs: [x, weight, shift] });
}

/** Writes x less a running mean [C] where no convolution can take it into its bias. */
export function lessMean(writer: ForwardWriter, x: string, runningMean: string): string {
  const dims = writer.dims(x);
  const wide = [dims[1] ?? 1, ...dims.slice(2).map(() => 1)];
  const mean = writer.add("Reshape", [runningMean, writer.build.ints(wide)], wide);
  return writer.add("Sub", [x, mean], dims);
}
