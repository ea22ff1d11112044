import { blockLayout } from "../autodiff/blocked/block-layout.ts";
import type { Model } from "../onnx/graph.ts";
import { writeModel } from "../onnx/write.ts";
import { blockSize } from "./block-size.ts";
import type { Runtime, Session, SessionOptions } from "./session.ts";

/**
 * Opens a graph whose weights are inputs, which the runtime cannot bring into its blocked layout
 * itself; here that is done beforehand, where the machine has one.
 * @param model its intermediates' declared shapes are trusted
 * @param gradients the gradient of each forward value, in a training graph
 * @throws ThawError `runtime/load-failed`
 */
export async function openWeightsAsInputs(
  runtime: Runtime,
  model: Model,
  options: SessionOptions,
  gradients: ReadonlyMap<string, string> = new Map(),
): Promise<Session> {
  const block = await blockSize(runtime);
  const laidOut = block === undefined ? model : blockLayout(model, block, gradients);
  return runtime.open(writeModel(laidOut), { optimization: "extended", ...options });
}
