import { ThawError } from "../errors.ts";
import type { Graph, Node } from "../onnx/graph.ts";
import { WORKING_OPSET } from "../onnx/upgrade.ts";
import type { TrainingSpec } from "./training-graph.ts";

/** The network's graph at the opset that backward rules are written for. */
export function networkOf({ network }: Pick<TrainingSpec, "network">): Graph {
  const opset = network.opsets.get("");
  if (opset !== WORKING_OPSET) {
    throw new ThawError({
      code: "autodiff/wrong-opset",
      what: `Training needs a network at opset ${WORKING_OPSET}, this one is at ${opset ?? "none"}`,
      next: "Upgrade the network first.",
    });
  }
  return network.graph;
}

/** The network's only input. */
export function inputOf(graph: Graph): string {
  const [input, ...others] = graph.inputs;
  if (input !== undefined && others.length === 0) return input.name;
  throw new ThawError({
    code: "autodiff/wrong-input",
    what: `Training needs a network with one input, this one has ${graph.inputs.length}`,
    next: "Choose a network that takes a picture and nothing else.",
  });
}

/** Batch size and number of classes. */
export function logitDims({ shapes, logits }: TrainingSpec): readonly [number, number] {
  const dims = shapes.get(logits) ?? [];
  const [batch, classes] = dims;
  if (dims.length === 2 && batch !== undefined && classes !== undefined) return [batch, classes];
  throw new ThawError({
    code: "autodiff/wrong-logits",
    what: `Training needs logits of the form [batch, classes], these are [${dims.join()}]`,
    where: logits,
    next: "Give the network a classifier head first.",
  });
}

/** All parameters of the groups, each a float32 initializer and in one group only. */
export function trainableParameters({
  network,
  groups,
}: Pick<TrainingSpec, "network" | "groups">): ReadonlySet<string> {
  const names = groups.flatMap((group) => group.parameters);
  const trainable = new Set(names);
  for (const name of trainable) {
    if (network.graph.initializers.get(name)?.type === "float32") continue;
    throw new ThawError({
      code: "autodiff/unknown-parameter",
      what: "A parameter to train is not a float32 tensor of the network",
      where: name,
      next: "Name initializers of the network.",
    });
  }
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice === undefined && trainable.size > 0) return trainable;
  throw new ThawError({
    code: "autodiff/unknown-parameter",
    what: twice === undefined ? "No parameter to train is given" : "A parameter is in two groups",
    ...(twice === undefined ? {} : { where: twice }),
    next: "Put each parameter to train in one group.",
  });
}

/** The BatchNormalization nodes that normalise by the batch. */
export function batchNormalized(
  spec: Pick<TrainingSpec, "network" | "batchNorm">,
  trainable: ReadonlySet<string>,
): ReadonlySet<Node> {
  if (spec.batchNorm === "frozen") return new Set();
  return new Set(
    spec.network.graph.nodes.filter(
      ({ op, domain, inputs }) =>
        op === "BatchNormalization" && domain === "" && trainable.has(inputs[1] ?? ""),
    ),
  );
}

export function refuseUnreached(parameters: readonly string[]): never {
  throw new ThawError({
    code: "autodiff/no-gradient",
    what: "The network's answer does not depend on a parameter that should be trained",
    where: parameters.join(", "),
    next: "Leave it out of the parameters to train.",
    details: { parameters },
  });
}
