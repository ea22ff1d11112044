import type { StateTensor, TrainingGraph } from "../autodiff/training-graph.ts";
import { ThawError } from "../errors.ts";
import { elementCount, float32, type Tensor } from "../onnx/tensor.ts";
import type { OverwritingSession } from "./overwrite.ts";
import type { Runtime, SessionOptions } from "./session.ts";
import { openTraining } from "./weights-as-inputs.ts";

/** One batch; every array holds the whole batch, padded rows included. */
export interface StepInputs {
  /** The network's input, of the dimensions the training graph was built for. */
  readonly features: Float32Array;
  /** Target probabilities [N, C]. */
  readonly targets: Float32Array;
  /** [N]; 0 masks a padded row. */
  readonly sampleWeights: Float32Array;
  readonly learningRate: number;
  /**
   * One mask for each of the graph's `dropoutMasks`, in order: 0 where an element is dropped,
   * 1 / (1 - ratio) where it is kept. All ones, no dropout, when absent.
   */
  readonly masks?: readonly Float32Array[];
}

export interface StepResult {
  readonly loss: number;
  /** Global norm of the gradients before clipping. */
  readonly gradientNorm: number;
  /** [N, C], valid until the next step. */
  readonly logits: Float32Array;
}

/** What training changes, by the training graph's input name. */
export type Snapshot = ReadonlyMap<string, Tensor>;

/** Runs training steps; steps asked for before the last one is done wait for it. */
export interface Stepper {
  /**
   * @throws ThawError `runtime/wrong-length` (the state stays as it was), `runtime/run-failed`
   * (restore a state before the next step)
   */
  step(inputs: StepInputs): Promise<StepResult>;
  /** A copy of the whole state. */
  state(): Snapshot;
  /** @throws ThawError `runtime/wrong-state` when it is not a state of this training graph */
  restore(snapshot: Snapshot): void;
  /** Copies of parameters and running statistics, by the network's initializer. */
  parameters(): ReadonlyMap<string, Tensor>;
  /** As `parameters`, with the moving average in place of each parameter that has one. */
  averages(): ReadonlyMap<string, Tensor>;
  /** The live parameters and running statistics; valid until the next step. */
  current(): Readonly<Record<string, Tensor<"float32">>>;
  release(): Promise<void>;
}

/**
 * Opens a training graph, whose state each step overwrites in place.
 * @throws ThawError `runtime/load-failed`
 */
export async function createStepper(
  runtime: Runtime,
  graph: TrainingGraph,
  options: SessionOptions = {},
): Promise<Stepper> {
  const session = await openTraining(runtime, graph, options);
  return new InPlaceStepper(session, graph);
}

class InPlaceStepper implements Stepper {
  readonly #session: OverwritingSession;
  readonly #graph: TrainingGraph;
  readonly #state: ReadonlyMap<StateTensor, Tensor<"float32">>;
  readonly #results: Readonly<Record<string, Tensor<"float32">>>;
  readonly #dims: ReadonlyMap<string, readonly number[]>;
  readonly #keepAll: readonly Float32Array[];
  #running: Promise<unknown> = Promise.resolve();

  constructor(session: OverwritingSession, graph: TrainingGraph) {
    this.#session = session;
    this.#graph = graph;
    this.#state = new Map(graph.state.map((state) => [state, copyOf(state.initial)]));
    const { loss, logits, gradientNorm } = graph.outputs;
    const dimsOf = (name: string) =>
      [...graph.model.graph.inputs, ...graph.model.graph.outputs]
        .find((value) => value.name === name)
        ?.shape?.map(Number) ?? [];
    this.#results = {
      [loss]: blank([]),
      [gradientNorm]: blank([]),
      [logits]: blank(dimsOf(logits)),
    };
    const { features, targets, sampleWeights, dropoutMasks } = graph.inputs;
    this.#dims = new Map([features, targets, sampleWeights].map((name) => [name, dimsOf(name)]));
    this.#keepAll = dropoutMasks.map(({ dims }) => new Float32Array(elementCount(dims)).fill(1));
  }

  step(inputs: StepInputs): Promise<StepResult> {
    const result = this.#running.then(() => this.#step(inputs));
    this.#running = result.catch(() => undefined);
    return result;
  }

  async #step(inputs: StepInputs): Promise<StepResult> {
    const { inputs: names, outputs: results } = this.#graph;
    const masks = inputs.masks ?? this.#keepAll;
    const feeds: Record<string, Tensor> = {
      [names.features]: this.#fed(names.features, inputs.features),
      [names.targets]: this.#fed(names.targets, inputs.targets),
      [names.sampleWeights]: this.#fed(names.sampleWeights, inputs.sampleWeights),
      [names.learningRate]: float32([inputs.learningRate], []),
    };
    names.dropoutMasks.forEach(({ name, dims }, index) => {
      feeds[name] = fitted(name, masks[index] ?? new Float32Array(), dims);
    });
    const outputs: Record<string, Tensor> = { ...this.#results };
    for (const [{ input, output }, tensor] of this.#state) {
      feeds[input] = tensor;
      outputs[output] = tensor;
    }
    await this.#session.run(feeds, outputs);
    return {
      loss: this.#result(results.loss)[0] ?? Number.NaN,
      gradientNorm: this.#result(results.gradientNorm)[0] ?? Number.NaN,
      logits: this.#result(results.logits),
    };
  }

  state(): Snapshot {
    return new Map([...this.#state].map(([state, tensor]) => [state.input, copyOf(tensor)]));
  }

  restore(snapshot: Snapshot): void {
    const known = new Set(this.#graph.state.map((state) => state.input));
    const foreign = [...snapshot.keys()].find((name) => !known.has(name));
    if (foreign !== undefined) refuseState(foreign);
    const restored = [...this.#state].map(([state, tensor]) => {
      const given = snapshot.get(state.input);
      const fits =
        given?.type === "float32" &&
        given.dims.length === tensor.dims.length &&
        given.dims.every((dim, axis) => dim === tensor.dims[axis]) &&
        given.data.length === tensor.data.length;
      return fits ? ([tensor, given.data] as const) : refuseState(state.input);
    });
    for (const [tensor, data] of restored) tensor.data.set(data);
  }

  parameters(): ReadonlyMap<string, Tensor> {
    return new Map(Object.entries(this.current()).map(([name, tensor]) => [name, copyOf(tensor)]));
  }

  averages(): ReadonlyMap<string, Tensor> {
    const found = new Map(this.parameters());
    for (const [{ role, parameter }, tensor] of this.#state) {
      if (role === "average" && parameter !== undefined) found.set(parameter, copyOf(tensor));
    }
    return found;
  }

  current(): Readonly<Record<string, Tensor<"float32">>> {
    return Object.fromEntries(
      [...this.#state].flatMap(([{ role, parameter }, tensor]) =>
        parameter !== undefined && (role === "parameter" || role === "running-statistic")
          ? [[parameter, tensor]]
          : [],
      ),
    );
  }

  async release(): Promise<void> {
    await this.#running;
    await this.#session.release();
  }

  #fed(name: string, data: Float32Array): Tensor {
    return fitted(name, data, this.#dims.get(name) ?? []);
  }

  #result(name: string): Float32Array {
    return this.#results[name]?.data ?? new Float32Array();
  }
}

function fitted(name: string, data: Float32Array, dims: readonly number[]): Tensor {
  if (data.length === elementCount(dims)) return float32(data, dims);
  throw new ThawError({
    code: "runtime/wrong-length",
    what: `A training step needs ${elementCount(dims)} numbers for ${name} and got ${data.length}`,
    where: name,
    next: "Pad a partial batch to the batch size and mask the padded rows by a sample weight of 0.",
  });
}

function refuseState(name: string): never {
  throw new ThawError({
    code: "runtime/wrong-state",
    what: "A saved training state does not belong to this network and optimizer",
    where: name,
    next: "Resume with the settings the run was started with.",
  });
}

function blank(dims: readonly number[]): Tensor<"float32"> {
  return float32(new Float32Array(elementCount(dims)), dims);
}

function copyOf({ data, dims }: Tensor<"float32">): Tensor<"float32"> {
  return float32(data.slice(), dims);
}
