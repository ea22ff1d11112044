import type { AugmentationStrength } from "../data/view.ts";
import type { Tensor } from "../onnx/tensor.ts";
import type { FeatureLoader } from "./boundary-cache.ts";
import type { FitEvent } from "./fit-events.ts";
import type { FitState } from "./fit-state.ts";
import type { Interpolation } from "./interpolation.ts";
import type { EpochRecord } from "./overfitting.ts";
import type { TrainableOptions } from "./trainable.ts";

/** A picture to learn from or to be judged by. */
export interface Example {
  /** Index into the dataset's samples. */
  readonly sample: number;
  readonly label: number;
}

/** `network` runs from the cut to logits [N, C], its one output; its initializers are the start. */
export interface FitOptions extends Omit<TrainableOptions, "inputDims"> {
  readonly classes: number;
  /** A sample's id, to name pictures in messages. */
  readonly idOf: (sample: number) => string;
  /** Gives the network's input at the cut. */
  readonly features: FeatureLoader;
  readonly train: readonly Example[];
  readonly validation: readonly Example[];
  readonly augmentation: AugmentationStrength;
  /** Augmented views in the cache, taken in turn; 0 draws a fresh one every epoch. */
  readonly views: number;
  /** Alpha of the Beta distribution of mixup; absent for none. */
  readonly mixup?: number;
  readonly epochs: number;
  /** Highest learning rate of the head. */
  readonly learningRate: number;
  /** Share of all steps spent on warming up, 0 to 1. */
  readonly warmup: number;
  /** Epochs without a lower validation loss before training stops. */
  readonly patience: number;
  /** Keeps weights between the first and those of the best epoch; absent for the latter. */
  readonly interpolation?: Interpolation;
  readonly seed: number;
  /** Time for all epochs; fewer are planned where they would take longer. */
  readonly minutes?: number;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: FitEvent) => void;
  /** Is awaited: training goes on once the state is safe. */
  readonly onCheckpoint?: (state: FitState) => Promise<void>;
  /** Longest time between checkpoints inside an epoch, in seconds. Default 20. */
  readonly checkpointSeconds?: number;
  readonly resumeFrom?: FitState;
}

export interface FitResult {
  /** The weights kept, running statistics included, by initializer. */
  readonly weights: ReadonlyMap<string, Tensor>;
  /** Where they lie between those training started from (0) and those of the best epoch (1). */
  readonly coefficient: number;
  readonly history: readonly EpochRecord[];
  /** Counted from 0. */
  readonly bestEpoch: number;
  /** [V, C], at the weights kept, in the order of `validation`. */
  readonly validationLogits: Float32Array;
  /** Nats, at the weights kept. */
  readonly validationLoss: number;
  readonly stopped: "epochs" | "patience" | "time";
  readonly seconds: number;
}
