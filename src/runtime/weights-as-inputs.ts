import { blockLayout } from "../autodiff/blocked/block-layout.ts";
import type { TrainingGraph } from "../autodiff/training-graph.ts";
import type { Model } from "../onnx/graph.ts";
import { writeModel } from "../onnx/write.ts";
import { blockSize } from "./block-size.ts";
import { type OverwritingSession, openOverwriting } from "./overwrite.ts";
import type { Runtime, Session, SessionOptions } from "./session.ts";

/** The runtime fuses nodes but leaves the layout alone. */
const optimization = "extended";

/**
 * Opens a graph whose weights are inputs.
 * @param model its intermediates' declared shapes are trusted
 * @throws ThawError `runtime/load-failed`
 */
export async function openWeightsAsInputs(
  runtime: Runtime,
  model: Model,
  options: SessionOptions,
): Promise<Session> {
  return runtime.open(await inLayout(runtime, model), { optimization, ...options });
}

/**
 * Opens a training graph, whose runs write into the tensors they read from.
 * @throws ThawError `runtime/load-failed`
 */
export async function openTraining(
  runtime: Runtime,
  { model, gradients }: TrainingGraph,
  options: SessionOptions,
): Promise<OverwritingSession> {
  const written = await inLayout(runtime, model, gradients);
  return openOverwriting(runtime, written, { optimization, ...options });
}

/**
 * The runtime brings only constant weights into its blocked layout itself; where weights are inputs
 * that is done beforehand, if the machine has one.
 */
async function inLayout(
  runtime: Runtime,
  model: Model,
  gradients?: TrainingGraph["gradients"],
): Promise<Uint8Array> {
  const block = await blockSize(runtime);
  return writeModel(block === undefined ? model : blockLayout(model, block, gradients));
}
