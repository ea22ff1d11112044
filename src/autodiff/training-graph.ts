import type { Model } from "../onnx/graph.ts";
import type { Tensor } from "../onnx/tensor.ts";

/** Trainable parameters that share a learning-rate scale and a weight-decay scale. */
export interface ParameterGroup {
  /** Names of initializers of the network. */
  readonly parameters: readonly string[];
  /** Multiplies the runtime learning rate. */
  readonly learningRateScale: number;
  /** Multiplies the optimizer's weight decay; 0 for biases and norms. */
  readonly weightDecayScale: number;
}

/** Softmax cross-entropy over logits [N, C]; targets are probabilities [N, C]. */
export interface CrossEntropy {
  /** 0 to 1. */
  readonly labelSmoothing: number;
  /** One weight a class, or absent for all ones. */
  readonly classWeights?: readonly number[];
}

export type Optimizer =
  | {
      readonly kind: "sgd";
      readonly momentum: number;
      readonly nesterov: boolean;
      readonly weightDecay: number;
    }
  | {
      readonly kind: "adamw";
      readonly beta1: number;
      readonly beta2: number;
      readonly epsilon: number;
      readonly weightDecay: number;
    };

export interface TrainingSpec {
  /** The network to train: one float input, logits [N, C] as one output. */
  readonly network: Model;
  readonly logits: string;
  readonly groups: readonly ParameterGroup[];
  readonly loss: CrossEntropy;
  readonly optimizer: Optimizer;
  /**
   * `frozen`: stored statistics. `batch`: batch statistics with the running ones updated, for the
   * BatchNormalization nodes whose scale is trainable.
   */
  readonly batchNorm: "frozen" | "batch";
  /** Global gradient norm above which gradients are scaled down. */
  readonly clipNorm?: number;
  /** Keeps an exponential moving average of every trainable parameter. */
  readonly averageDecay?: number;
  /** Dimensions of every value of the network at the training batch size. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
}

/**
 * A tensor that one step puts out and the next takes in. When the next value is written, nothing but
 * that very operator reads the old one, whose place it may take. AdamW's moments are plain sums,
 * M = beta * M + g, PyTorch's divided by 1 - beta.
 */
export interface StateTensor {
  readonly input: string;
  readonly output: string;
  readonly role:
    | "parameter"
    | "running-statistic"
    | "first-moment"
    | "second-moment"
    | "step"
    | "average";
  /** The network's initializer it belongs to; absent for the step counter. */
  readonly parameter?: string;
  readonly initial: Tensor<"float32">;
}

/** One training step as an ordinary ONNX graph. Every array is float32. */
export interface TrainingGraph {
  readonly model: Model;
  readonly inputs: {
    /** The network's own input. */
    readonly features: string;
    /** Target probabilities [N, C]. */
    readonly targets: string;
    /** Per-sample weights [N]; 0 masks a padded row of a partial last batch. */
    readonly sampleWeights: string;
    /** Scalar. */
    readonly learningRate: string;
    /**
     * Seed-driven dropout masks come in as tensors so that a step is a pure function: 0 where an
     * element is dropped, 1 / (1 - ratio) where it is kept.
     */
    readonly dropoutMasks: readonly {
      readonly name: string;
      readonly dims: readonly number[];
      readonly ratio: number;
    }[];
  };
  readonly outputs: {
    /** Scalar: weighted mean over the batch. */
    readonly loss: string;
    /** [N, C]. */
    readonly logits: string;
    /** Scalar: global norm before clipping. */
    readonly gradientNorm: string;
  };
  /** The gradient of each value of the forward pass that has one, by the value. */
  readonly gradients: ReadonlyMap<string, string>;
  readonly state: readonly StateTensor[];
}
