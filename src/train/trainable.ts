import { buildEvaluationGraph } from "../autodiff/build-evaluation-graph.ts";
import { buildTrainingGraph } from "../autodiff/build-training-graph.ts";
import type { TrainingSpec } from "../autodiff/training-graph.ts";
import type { Random } from "../data/random.ts";
import type { Model, ValueInfo } from "../onnx/graph.ts";
import { elementCount, float32, type Tensor } from "../onnx/tensor.ts";
import { inferenceBatchSize } from "../runtime/inference-batch.ts";
import type { Runtime } from "../runtime/session.ts";
import { discoverShapesByBatch } from "../runtime/shapes.ts";
import { createStepper, type Snapshot, type StepResult } from "../runtime/stepper.ts";
import { openWeightsAsInputs } from "../runtime/weights-as-inputs.ts";
import type { BatchTensors } from "./batch-tensors.ts";

/** What is trained and how, without the pictures. */
export type TrainableOptions = Omit<TrainingSpec, "shapes" | "logits"> & {
  readonly runtime: Runtime;
  /** Threads inside one operator; the runtime's default when absent. */
  readonly threads?: number;
  readonly batchSize: number;
  /** Dimensions of one row of the network's input. */
  readonly inputDims: readonly number[];
};

/** A network ready to take optimizer steps and to be judged, with its state inside. */
export interface Trainable {
  /** One optimizer step. `random` draws the dropout masks. */
  step(batch: BatchTensors, learningRate: number, random: Random): Promise<StepResult>;
  /** Logits [N, C] of features [N, ...dims], N `inferenceBatchSize`, at the weights that would be kept. */
  logits(features: Float32Array): Promise<Float32Array>;
  /** A copy of everything the next step takes in, by the training graph's input. */
  state(): Snapshot;
  /** @throws ThawError `runtime/wrong-state` */
  restore(state: Snapshot): void;
  /** A copy of the weights that would be kept, averages where there are any, by initializer. */
  weights(): ReadonlyMap<string, Tensor>;
  /** Starts afresh, with moments of zero, from these weights; the network's own where one is missing. */
  restart(weights: ReadonlyMap<string, Tensor>): void;
  release(): Promise<void>;
}

/** @throws ThawError those of `buildTrainingGraph`, `runtime/load-failed` */
export async function openTrainable(options: TrainableOptions): Promise<Trainable> {
  const { runtime, network, batchSize, inputDims } = options;
  const threads = options.threads === undefined ? {} : { threads: options.threads };
  const logits = outputOf(network);
  const shapesAt = await discoverShapesByBatch(runtime, network, inputDims);
  const shapes = shapesAt(batchSize);
  const graph = buildTrainingGraph({ ...options, logits, shapes });
  const evaluation = buildEvaluationGraph({ ...options, logits });
  const stepper = await createStepper(runtime, graph, threads);
  const judgedShape = [inferenceBatchSize, ...inputDims];
  const judgedShapes = shapesAt(inferenceBatchSize).set(evaluation.features, judgedShape);
  const fixed = withShapes(evaluation.model, judgedShapes);
  const judge = await openWeightsAsInputs(runtime, fixed, threads).catch(async (cause) => {
    await stepper.release();
    throw cause;
  });
  const kept = () =>
    options.averageDecay === undefined ? stepper.current() : Object.fromEntries(stepper.averages());
  return {
    step: (batch, learningRate, random) =>
      stepper.step({
        ...batch,
        learningRate,
        masks: graph.inputs.dropoutMasks.map((mask) => dropoutMask(mask, random)),
      }),
    async logits(features) {
      const feeds = { ...kept(), [evaluation.features]: float32(features, judgedShape) };
      const result = (await judge.run(feeds, [evaluation.logits]))[evaluation.logits];
      if (result?.type !== "float32") throw new TypeError("the logits are not float32");
      return result.data;
    },
    state: () => stepper.state(),
    restore: (state) => stepper.restore(state),
    weights: () => stepper.averages(),
    restart(weights) {
      const fresh = graph.state.map(({ input, initial, parameter, role }): [string, Tensor] => {
        const isMoment = role === "first-moment" || role === "second-moment";
        const given = isMoment || parameter === undefined ? undefined : weights.get(parameter);
        return [input, given ?? initial];
      });
      stepper.restore(new Map(fresh));
    },
    async release() {
      await stepper.release();
      await judge.release();
    },
  };
}

/** The same network at one batch size, the dimensions of its values declared. */
function withShapes(model: Model, shapes: ReadonlyMap<string, readonly number[]>): Model {
  const { graph } = model;
  const written = graph.nodes.flatMap((node) => node.outputs);
  const values = written.flatMap((name): [string, ValueInfo][] => {
    const shape = shapes.get(name);
    return shape === undefined ? [] : [[name, { name, type: "float32", shape }]];
  });
  const inputs = graph.inputs.map((input) => ({
    ...input,
    shape: shapes.get(input.name) ?? input.shape,
  }));
  return { ...model, graph: { ...graph, inputs, values: new Map(values) } };
}

function outputOf(network: Model): string {
  const [output, ...others] = network.graph.outputs;
  if (output === undefined || others.length > 0) throw new TypeError("one output is needed");
  return output.name;
}

/**
 * 0 where an element is dropped, 1 / (1 - ratio) where it is kept, so that the mean stays. A mask
 * takes tens of thousands of draws a step, so they come from a generator of three shifts
 * (Marsaglia, Xorshift RNGs, 2003) that `random` seeds.
 */
export function dropoutMask(
  { dims, ratio }: { readonly dims: readonly number[]; readonly ratio: number },
  random: Random,
): Float32Array {
  const mask = new Float32Array(elementCount(dims));
  const kept = 1 / (1 - ratio);
  const threshold = ratio * 2 ** 32;
  let state = random.integer(1, 0x7fffffff);
  for (let i = 0; i < mask.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    mask[i] = state >>> 0 < threshold ? 0 : kept;
  }
  return mask;
}
