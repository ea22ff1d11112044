import { imageInput } from "../models/image-input.ts";
import { describe, readFeatures, withFeatures } from "../models/metadata.ts";
import type { Preprocessing, Provenance } from "../models/pretrained.ts";
import { GraphBuilder } from "../onnx/build.ts";
import type { Graph, Model } from "../onnx/graph.ts";
import { renameValues } from "../onnx/rename.ts";
import { float32, type Tensor } from "../onnx/tensor.ts";
import { namesInUse } from "../onnx/values.ts";
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
 * The finished network: `image` float32 [batch, 3, H, W], RGB from 0 to 255, to `probabilities`
 * [batch, C]. Normalisation, temperature and softmax are inside, so that using it takes no more
 * than resizing a picture; everything else is in its metadata under `thaw.`.
 */
export function exportNetwork(options: ExportOptions): Model {
  const { network } = options;
  const input = imageInput(network).name;
  const names = freeNames(network, input);
  const renamed = withNormalization(
    renameValues(withTensors(network, options.trained).graph, names),
    options.preprocessing,
  );
  const [logits] = renamed.outputs;
  if (logits === undefined) throw new TypeError("the network has no output");

  const build = new GraphBuilder([...namesInUse(renamed), resultOutput]);
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
    preprocessing: { ...options.preprocessing, ...rawPixels },
  });
}

/** Preprocessing that leaves pixels as they are: 0 to 255, red first. */
const rawPixels: Pick<Preprocessing, "channels" | "mean" | "std"> = {
  channels: "rgb",
  mean: [0, 0, 0],
  std: [1 / 255, 1 / 255, 1 / 255],
};

/** Puts the pretrained network's normalisation and channel order in front of it. */
function withNormalization(graph: Graph, { mean, std, channels }: Preprocessing): Graph {
  const build = new GraphBuilder(namesInUse(graph));
  const inner = build.fresh("normalized");
  const perChannel = (values: readonly number[]) =>
    build.constant(float32(values, [1, 3, 1, 1]), "channel");
  const ordered =
    channels === "rgb"
      ? resultInput
      : build.add("Gather", [resultInput, build.ints([2, 1, 0])], { axis: 1 });
  const scaled = build.add("Mul", [ordered, perChannel(std.map((value) => 1 / (255 * value)))]);
  const shift = perChannel(std.map((value, channel) => (mean[channel] ?? 0) / value));
  build.add("Sub", [scaled, shift], {}, { output: inner });
  const fed = renameValues(graph, new Map([[resultInput, inner]]));
  return {
    ...fed,
    inputs: graph.inputs,
    nodes: [...build.nodes, ...fed.nodes],
    initializers: new Map([...build.initializers, ...fed.initializers]),
  };
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
  const taken = namesInUse(network.graph);
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
