import { buildTrainingGraph } from "../src/autodiff/build-training-graph.ts";
import type { ParameterGroup } from "../src/autodiff/training-graph.ts";
import { nodeParameters } from "../src/models/parameters.ts";
import type { Graph } from "../src/onnx/graph.ts";
import type { Tensor } from "../src/onnx/tensor.ts";
import { producers } from "../src/onnx/values.ts";
import { discoverShapes } from "../src/runtime/shapes.ts";
import { createStepper } from "../src/runtime/stepper.ts";
import { oneHot, padBatch } from "../src/train/batch-tensors.ts";
import { epochReader } from "../src/train/epoch-reader.ts";
import type { FitOptions } from "../src/train/fit-options.ts";
import { groupsOf } from "../src/train/parameter-groups.ts";

/**
 * Auto-RGN: every layer's learning rate is scaled by its relative gradient norm, the norm of its
 * gradient over the norm of its weights, divided by the largest one, so scales lie within 0 to 1
 * (Lee et al., Surgical Fine-Tuning Improves Adaptation to Distribution Shifts, 2022). A layer is
 * a node with its weights and bias.
 * @param gradients by parameter, of the loss over the training pictures
 */
export function autoRgnGroups(
  graph: Graph,
  gradients: ReadonlyMap<string, Tensor>,
): ParameterGroup[] {
  const writers = producers(graph);
  const relative = new Map<string, number>();
  for (const node of graph.nodes) {
    const names = nodeParameters(node, graph, writers).filter((name) => gradients.has(name));
    const gradient = norm(names.map((name) => gradients.get(name)));
    const weights = norm(names.map((name) => graph.initializers.get(name)));
    for (const name of names) relative.set(name, weights === 0 ? 0 : gradient / weights);
  }
  const highest = Math.max(...relative.values());
  return groupsOf(graph, (name) => (highest > 0 ? (relative.get(name) ?? 0) / highest : 1), [
    ...relative.keys(),
  ]);
}

/**
 * The sum of the loss gradients over the batches of one epoch at the network's own weights, by
 * parameter: SGD that never moves and never forgets keeps it in its momentum.
 */
export async function epochGradients(options: FitOptions): Promise<ReadonlyMap<string, Tensor>> {
  const { runtime, network, batchSize, classes } = options;
  const [logits] = network.graph.outputs;
  if (logits === undefined) throw new TypeError("the network has no output");
  const graph = buildTrainingGraph({
    network,
    logits: logits.name,
    groups: options.groups,
    loss: options.loss,
    batchNorm: "frozen",
    optimizer: { kind: "sgd", momentum: 1, nesterov: false, weightDecay: 0 },
    shapes: await discoverShapes(runtime, network, [batchSize, ...options.features.dims]),
  });
  const threads = options.threads === undefined ? {} : { threads: options.threads };
  const stepper = await createStepper(runtime, graph, threads);
  try {
    const steps = Math.ceil(options.train.length / batchSize);
    const read = epochReader({ ...options, epochs: 1 }, steps);
    for (let step = 0; step < steps; step++) {
      options.signal?.throwIfAborted();
      const { examples, features } = await read(step);
      const targets = oneHot(
        examples.map(({ label }) => label),
        classes,
      );
      const batch = padBatch(features, targets, examples.length, batchSize);
      await stepper.step({ ...batch, learningRate: 0 });
    }
    const state = stepper.state();
    const gradients = new Map<string, Tensor>();
    for (const { input, role, parameter } of graph.state) {
      const tensor = state.get(input);
      if (role === "first-moment" && parameter !== undefined && tensor !== undefined) {
        gradients.set(parameter, tensor);
      }
    }
    return gradients;
  } finally {
    await stepper.release();
  }
}

function norm(tensors: readonly (Tensor | undefined)[]): number {
  let sum = 0;
  for (const tensor of tensors) {
    if (tensor?.type !== "float32") continue;
    for (const value of tensor.data) sum += value * value;
  }
  return Math.sqrt(sum);
}
