import { foldBatchNorm } from "../onnx/fold-batch-norm.ts";
import type { Model } from "../onnx/graph.ts";
import { subgraph } from "../onnx/subgraph.ts";
import { imageInput } from "./image-input.ts";
import type { Cut } from "./pretrained.ts";

/** A network in two parts that meet in the cut's tensor. */
export interface SplitNetwork {
  /**
   * From the image to the cut, for inference: BatchNorm folded. Its output has the cut's name.
   * Absent where the cut is the network's input and nothing is frozen.
   */
  readonly prefix?: Model;
  /** From the cut to the network's outputs, as it was; its input has the cut's name. */
  readonly suffix: Model;
}

/** Splits a network at a cut. The prefix followed by the suffix computes what the whole does. */
export function splitAt(model: Model, cut: Pick<Cut, "value" | "dims">): SplitNetwork {
  if (cut.value === imageInput(model).name) return { suffix: model };
  const outputs = model.graph.outputs.map(({ name }) => name);
  return {
    prefix: foldBatchNorm(subgraph(model, { outputs: [cut.value] })),
    suffix: subgraph(model, { inputs: { [cut.value]: ["batch", ...cut.dims.slice(1)] }, outputs }),
  };
}
