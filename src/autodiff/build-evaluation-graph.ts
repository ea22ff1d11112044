import { GraphBuilder } from "../onnx/build.ts";
import type { Model } from "../onnx/graph.ts";
import { prune } from "../onnx/prune.ts";
import { namesInUse } from "../onnx/values.ts";
import { batchNormalized, inputOf, networkOf, trainableParameters } from "./check-spec.ts";
import { lower } from "./lower.ts";
import type { TrainingSpec } from "./training-graph.ts";

/** The forward pass of a network in training, in inference mode. */
export interface EvaluationGraph {
  readonly model: Model;
  /** The network's own input. */
  readonly features: string;
  /** [N, C]. */
  readonly logits: string;
  /** Parameters and running statistics, inputs under the names they have in training. */
  readonly state: readonly string[];
}

/**
 * Writes the forward pass for checking a network while it is trained: what training changes comes
 * in as inputs, so that no session is built anew; Dropout is idle, BatchNormalization uses the
 * stored statistics. Any batch size that the network takes.
 * @throws ThawError `autodiff/unknown-parameter`, `autodiff/wrong-opset`, `autodiff/wrong-input`
 */
export function buildEvaluationGraph(
  spec: Pick<TrainingSpec, "network" | "logits" | "groups" | "batchNorm">,
): EvaluationGraph {
  const graph = networkOf(spec);
  const trainable = trainableParameters(spec);
  const statistics = [...batchNormalized(spec, trainable)].flatMap(({ inputs }) =>
    inputs.slice(3, 5),
  );
  const state = [...new Set([...trainable, ...statistics])];
  const features = inputOf(graph);

  const build = new GraphBuilder(namesInUse(graph));
  for (const [name, tensor] of graph.initializers) {
    if (!state.includes(name)) build.initializers.set(name, tensor);
  }
  const shapes = new Map([...graph.initializers].map(([name, { dims }]) => [name, dims]));
  lower(build, { graph, shapes, trainable: new Set(), batchNorms: new Set(), rows: "" });
  const parameters = state.map((name) => ({
    name,
    type: "float32" as const,
    shape: shapes.get(name) ?? null,
  }));
  const written = build.build(
    `${graph.name} evaluation`,
    [...graph.inputs, ...parameters],
    graph.outputs.filter((output) => output.name === spec.logits),
  );
  return {
    model: { ...spec.network, graph: prune(written), producer: "thaw", metadata: new Map() },
    features,
    logits: spec.logits,
    state,
  };
}
