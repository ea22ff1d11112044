import { imageInput } from "../models/image-input.ts";
import { describe, readFeatures, withFeatures } from "../models/metadata.ts";
import type { Preprocessing, Provenance } from "../models/pretrained.ts";
import { GraphBuilder } from "../onnx/build.ts";
import type { Model } from "../onnx/graph.ts";
import { renameValues } from "../onnx/rename.ts";
import type { Tensor } from "../onnx/tensor.ts";
import { valueNames } from "../onnx/values.ts";
import type { Plan } from "../plan/plan.ts";
import { version } from "../version.ts";

/** Names a result is known by, whatever its pretrained network called them. */
export const resultInput = "image";
export const resultOutput = "probabilities";

export interface ExportOptions {
  /** The whole network with its new head: one image input, logits [N, C] as its one output. */
  readonly network: Model;
  /** The tensors training changed, by initializer; every other stays bit by bit as it was. */
  readonly trained: ReadonlyMap<string, Tensor>;
  /** Logits are divided by this before the softmax. */
  readonly temperature: number;
  readonly name: string;
  /** Class names in logit order. */
  readonly labels: readonly string[];
  readonly preprocessing: Preprocessing;
  readonly provenance: Provenance;
  /** SHA-256 of the dataset. */
  readonly dataFingerprint: string;
  readonly plan: Plan;
}

/**
 * The finished network: `image` float32 [batch, 3, H, W] to `probabilities` [batch, C], with
 * temperature and softmax inside and everything needed to use it in its metadata under `thaw.`.
 */
export function exportNetwork(options: ExportOptions): Model {
  const { network } = options;
  const input = imageInput(network).name;
  const names = freeNames(network, input);
  const renamed = renameValues(withTensors(network, options.trained).graph, names);
  const [logits] = renamed.outputs;
  if (logits === undefined) throw new TypeError("the network has no output");

  const build = new GraphBuilder([...valueNames(renamed), resultOutput]);
  const scaled = build.add("Div", [logits.name, build.scalar(options.temperature)]);
  build.add("Softmax", [scaled], { axis: 1 }, { output: resultOutput });
  const features = readFeatures(network);
  const model: Model = {
    ...network,
    producer: `thaw ${version}`,
    metadata: new Map([
      ...network.metadata,
      ["thaw.version", version],
      ["thaw.data", options.dataFingerprint],
      ["thaw.plan", JSON.stringify(options.plan)],
      ["thaw.provenance", JSON.stringify(options.provenance)],
    ]),
    graph: {
      ...renamed,
      name: "thaw",
      nodes: [...renamed.nodes, ...build.nodes],
      inputs: renamed.inputs.map((info) => ({ ...info, shape: anyBatch(info.shape) })),
      outputs: [{ name: resultOutput, type: "float32", shape: ["batch", options.labels.length] }],
      initializers: new Map([...renamed.initializers, ...build.initializers]),
      values: new Map(),
    },
  };
  const marked =
    features === undefined ? model : withFeatures(model, names.get(features) ?? features);
  return describe(marked, {
    name: options.name,
    labels: options.labels,
    preprocessing: options.preprocessing,
  });
}

/**
 * The network with some of its initializers replaced.
 * @throws TypeError for a tensor whose name or dimensions the network does not know
 */
export function withTensors(model: Model, tensors: ReadonlyMap<string, Tensor>): Model {
  for (const [name, tensor] of tensors) {
    const known = model.graph.initializers.get(name);
    if (known === undefined || known.dims.join() !== tensor.dims.join()) {
      throw new TypeError(`the network has no tensor ${name} of [${tensor.dims.join(", ")}]`);
    }
  }
  const initializers = new Map(
    [...model.graph.initializers].map(([name, tensor]) => [name, tensors.get(name) ?? tensor]),
  );
  return { ...model, graph: { ...model.graph, initializers } };
}

/** The image input under its new name; inner values that have one of the new names step aside. */
function freeNames(network: Model, input: string): Map<string, string> {
  const taken = valueNames(network.graph);
  const names = new Map<string, string>();
  for (const name of [resultInput, resultOutput]) {
    if (taken.has(name) && name !== input) {
      names.set(name, new GraphBuilder(taken).fresh(`${name}_inner`));
    }
  }
  if (input !== resultInput) names.set(input, resultInput);
  return names;
}

function anyBatch<T>(shape: readonly T[] | null): readonly (T | string)[] | null {
  return shape === null ? null : ["batch", ...shape.slice(1)];
}
