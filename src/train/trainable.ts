import type { RandomGenerator } from "pure-rand/types/RandomGenerator";
import type { Tensor } from "../onnx/tensor.ts";
import type { BatchTensors } from "./batch-tensors.ts";
import type { FitOptions } from "./fit-options.ts";

/** A network ready to take optimizer steps and to be judged, with its state inside. */
export interface Trainable {
  /** One optimizer step. `random` draws the dropout masks. */
  step(
    batch: BatchTensors,
    learningRate: number,
    random: RandomGenerator,
  ): Promise<{
    readonly loss: number;
    readonly gradientNorm: number;
    readonly logits: Float32Array;
  }>;
  /** Logits [N, C] of features [N, ...dims], a full batch, at the weights that would be kept. */
  logits(features: Float32Array): Promise<Float32Array>;
  /** A copy of everything the next step takes in, by the training graph's input. */
  state(): ReadonlyMap<string, Tensor>;
  restore(tensors: ReadonlyMap<string, Tensor>): void;
  /** A copy of the weights that would be kept, averages where there are any, by initializer. */
  weights(): ReadonlyMap<string, Tensor>;
  /** Starts afresh from these weights, the network's own where one is missing. */
  restart(weights: ReadonlyMap<string, Tensor>): void;
  release(): Promise<void>;
}

export declare function openTrainable(options: FitOptions): Promise<Trainable>;
