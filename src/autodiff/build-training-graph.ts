import { GraphBuilder } from "../onnx/build.ts";
import { constantTensor } from "../onnx/constant.ts";
import type { Dimension, Graph, ValueInfo } from "../onnx/graph.ts";
import { prune } from "../onnx/prune.ts";
import { elementCount, float32 } from "../onnx/tensor.ts";
import { namesInUse } from "../onnx/values.ts";
import {
  batchNormalized,
  inputOf,
  logitDims,
  networkOf,
  refuseUnreached,
  trainableParameters,
} from "./check-spec.ts";
import { fixShapes } from "./fixed-shapes.ts";
import { afterGradients, clip, writeGradientNorm } from "./gradient-norm.ts";
import { writeCrossEntropy } from "./loss.ts";
import { lower } from "./lower.ts";
import { type DeclareState, writeOptimizer } from "./optimizers.ts";
import { poolFirst } from "./pool-first.ts";
import { rankedNumber } from "./ranked.ts";
import { differentiate } from "./reverse.ts";
import type { StateTensor, TrainingGraph, TrainingSpec } from "./training-graph.ts";
import { wholeGelu } from "./whole-gelu.ts";
import { wholeLayerNorm } from "./whole-layer-norm.ts";

/**
 * Writes forward pass, loss, backward pass and optimizer update as one ONNX graph of standard
 * operators for the batch size of `spec.shapes`. Parameters, running statistics and optimizer
 * state are inputs and outputs; everything frozen stays a constant.
 *
 * @throws ThawError `autodiff/missing-rule` and the other `autodiff/` faults of backward rules,
 * `autodiff/unknown-parameter`, `autodiff/no-gradient` (a parameter the logits do not depend on),
 * `autodiff/unknown-shape`, `autodiff/wrong-opset`, `autodiff/wrong-logits`
 */
export function buildTrainingGraph(spec: TrainingSpec): TrainingGraph {
  const network = networkOf(spec);
  const trainable = trainableParameters(spec);
  const batchNorms = batchNormalized(spec, trainable);
  const changing = new Set(trainable);
  for (const norm of batchNorms) for (const name of norm.inputs.slice(3, 5)) changing.add(name);
  const shapes = new Map(spec.shapes);
  const graph = poolFirst(
    wholeLayerNorm(wholeGelu(fixShapes(network, spec.shapes, changing))),
    shapes,
  );
  const features = inputOf(graph);
  const [batch, classes] = logitDims(spec);

  const build = new GraphBuilder(namesInUse(graph));
  const targets = build.fresh("targets");
  const sampleWeights = build.fresh("sample_weights");
  const learningRate = build.fresh("learning_rate");
  const state: StateTensor[] = [];
  for (const [name, tensor] of graph.initializers) {
    if (!changing.has(name)) build.initializers.set(name, tensor);
  }

  const rows = batchNorms.size === 0 ? "" : writeRows(build, sampleWeights, batch);
  for (const [name, tensor] of graph.initializers) shapes.set(name, tensor.dims);
  const lowering = { graph, shapes, trainable, batchNorms, rows };
  const { forward, statistics, masks } = lower(build, lowering);
  const { loss, gradient } = writeCrossEntropy(
    build,
    spec.loss,
    { logits: spec.logits, targets, sampleWeights },
    [batch, classes],
  );
  const constants = new Map(build.initializers);
  for (const node of forward.nodes) {
    const tensor = constantTensor(node);
    if (tensor !== undefined) constants.set(node.outputs[0] ?? "", tensor);
  }
  const gradients = differentiate(
    { nodes: forward.nodes, dims: forward.dims, constant: (value) => constants.get(value) },
    build,
    trainable,
    new Map([[spec.logits, gradient]]),
  );
  const unreached = [...trainable].filter((name) => !gradients.has(name));
  if (unreached.length > 0) refuseUnreached(unreached);
  // Last arrival first: ONNX Runtime takes the last operand's nodes first, and each gradient of a
  // parameter then follows at once on the one it is computed from, which need not be kept.
  const ofParameters = new Map([...gradients].filter(([name]) => trainable.has(name)).toReversed());

  const gradientNorm = writeGradientNorm(build, [...ofParameters.values()]);
  const clipped = clip(
    build,
    spec.clipNorm,
    gradientNorm,
    ofParameters,
    (name) => dimsOf(graph, name).length,
  );
  const declare =
    (parameter?: string): DeclareState =>
    (role, initial) => {
      const dims = dimsOf(graph, parameter);
      const input = build.fresh(parameter === undefined ? role : `${parameter}.${role}`);
      const output = build.fresh(`${input}.next`);
      const tensor =
        initial === "zeros" ? float32(new Float32Array(elementCount(dims)), dims) : initial;
      state.push({
        input,
        output,
        role,
        initial: tensor,
        ...(parameter === undefined ? {} : { parameter }),
      });
      return { input, output };
    };
  const keep = (role: "parameter" | "running-statistic", parameter: string, output: string) => {
    const initial = graph.initializers.get(parameter);
    if (initial?.type === "float32")
      state.push({ input: parameter, output, role, parameter, initial });
  };

  const late = afterGradients(build, gradientNorm);
  const optimize = writeOptimizer(build, spec.optimizer, late(learningRate), declare());
  for (const group of spec.groups) {
    const update = optimize(group);
    for (const parameter of group.parameters) {
      const output = build.fresh(`${parameter}.next`);
      keep("parameter", parameter, output);
      const rank = dimsOf(graph, parameter).length;
      update({
        parameter,
        rank,
        gradient: clipped.get(parameter) ?? "",
        output,
        declare: declare(parameter),
      });
      if (spec.averageDecay === undefined) continue;
      const initial = graph.initializers.get(parameter);
      const average = declare(parameter)(
        "average",
        initial?.type === "float32" ? initial : "zeros",
      );
      const change = build.add("Mul", [
        build.add("Sub", [output, average.input]),
        rankedNumber(build, 1 - spec.averageDecay, rank),
      ]);
      build.add("Add", [average.input, change], {}, { output: average.output });
    }
  }
  for (const { parameter, next } of statistics) {
    keep("running-statistic", parameter, late(next));
  }

  const floats = (name: string, shape: readonly Dimension[]): ValueInfo => ({
    name,
    type: "float32",
    shape,
  });
  const training = build.build(
    `${graph.name} training`,
    [
      floats(features, forward.dims(features)),
      floats(targets, [batch, classes]),
      floats(sampleWeights, [batch]),
      floats(learningRate, []),
      ...masks.map((mask) => floats(mask.name, mask.dims)),
      ...state.map(({ input, initial }) => floats(input, initial.dims)),
    ],
    [
      floats(loss, []),
      floats(spec.logits, [batch, classes]),
      floats(gradientNorm, []),
      ...state.map(({ output, initial }) => floats(output, initial.dims)),
    ],
  );
  const values = new Map(
    forward.nodes
      .flatMap((node) => node.outputs.slice(0, 1))
      .map((name) => [name, floats(name, forward.dims(name))]),
  );
  const model = prune({ ...training, values });
  return {
    model: { ...spec.network, graph: model, producer: "thaw", metadata: new Map() },
    inputs: { features, targets, sampleWeights, learningRate, dropoutMasks: masks },
    outputs: { loss, logits: spec.logits, gradientNorm },
    gradients,
    state,
  };
}

/** [1, N], 1 for each row whose sample weight is above 0. */
function writeRows(build: GraphBuilder, sampleWeights: string, batch: number): string {
  const FLOAT = 1;
  const counts = build.add("Greater", [sampleWeights, build.scalar(0)]);
  const numbers = build.add("Cast", [counts], { to: FLOAT });
  return build.add("Reshape", [numbers, build.ints([1, batch])]);
}

function dimsOf(graph: Graph, parameter: string | undefined): readonly number[] {
  return parameter === undefined ? [] : (graph.initializers.get(parameter)?.dims ?? []);
}
