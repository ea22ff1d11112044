import { float32, type Tensor } from "../onnx/tensor.ts";
import { writeModel } from "../onnx/write.ts";
import type { Runtime, Session } from "../runtime/session.ts";
import { checkpointTimer } from "./checkpoint-timer.ts";
import { type Evaluation, type LbfgsOptions, type LbfgsState, minimise } from "./lbfgs.ts";
import { objectiveModel, scoresModel } from "./probe-graph.ts";
import { crossEntropy } from "./softmax.ts";
import { type LinearClassifier, type Scaling, standardisation, unfold } from "./standardisation.ts";

/** Pooled frozen features [N, D] with their labels [N]. */
export interface ProbeData {
  readonly features: Float32Array;
  readonly labels: ArrayLike<number>;
}

export interface LinearProbeOptions {
  readonly runtime: Runtime;
  readonly threads?: number;
  readonly classes: number;
  /** At least one row. */
  readonly train: ProbeData;
  /** Chooses the strength of the L2 penalty; at least one row. */
  readonly validation: ProbeData;
  /** One weight a class, or absent for all ones. */
  readonly classWeights?: readonly number[];
  readonly signal?: AbortSignal;
  /** Is awaited: the probe goes on once the state is safe. */
  readonly onCheckpoint?: (state: ProbeState) => Promise<void>;
  /** Longest time between checkpoints, in seconds. Default 20. */
  readonly checkpointSeconds?: number;
  readonly resumeFrom?: ProbeState;
}

/** What came of one penalty. */
interface Solved {
  readonly l2: number;
  readonly iterations: number;
  readonly validationLoss: number;
  /** [(D + 1) x C], in standardised space. */
  readonly point: Float64Array;
}

/** A probe in progress: the penalties that are solved, and the solution in progress. */
export interface ProbeState {
  readonly tried: readonly Solved[];
  readonly current: LbfgsState;
}

export interface LinearProbe extends LinearClassifier {
  /** L2 penalty chosen: l2 / 2 times the squared weights of standardised features. */
  readonly l2: number;
  /** L-BFGS iterations over all penalties tried. */
  readonly iterations: number;
  /** [V, C] */
  readonly validationLogits: Float32Array;
  /** Nats. */
  readonly validationLoss: number;
}

/** Tried from strong to weak, each starting at the solution before it. */
const penalties = [3, 1, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001];
/** Rows a run takes at once: bounds the memory for the logits of many classes. */
const blockRows = 4096;
/** Above this many multiply-adds a pass, the penalty is chosen on a part of the rows. */
const selectionWork = 5e7;

/** Near enough to tell penalties apart; the chosen one is then solved to the end. */
const searching = { maxIterations: 40, gradientTolerance: 1e-4, valueTolerance: 3e-4 };
const finishing = { maxIterations: 60, gradientTolerance: 1e-5, valueTolerance: 1e-5 };

/**
 * Multinomial logistic regression with an L2 penalty, trained to convergence on frozen features.
 * Features are standardised by their training mean and deviation; the scaling is folded into the
 * weights returned. The penalty is the one with the lowest validation loss; the search along them
 * ends after two in a row that brought nothing.
 * Deterministic for one thread count, also where it is resumed.
 */
export async function fitLinearProbe(options: LinearProbeOptions): Promise<LinearProbe> {
  const { runtime, classes, train, validation } = options;
  const threads = options.threads === undefined ? {} : { threads: options.threads };
  const objective = await runtime.open(writeModel(objectiveModel(classes)), threads);
  const scores = await runtime.open(writeModel(scoresModel()), threads).catch(async (cause) => {
    await objective.release();
    throw cause;
  });
  try {
    const scaling = standardisation(train.features, train.labels.length);
    const part = selection(train, scaling.mean.length, classes);
    const tried: Solved[] = [...(options.resumeFrom?.tried ?? [])];
    let begun = options.resumeFrom?.current;
    const timer = checkpointTimer((options.checkpointSeconds ?? 20) * 1000, performance.now());
    const checkpoint = async (current: LbfgsState) => {
      const now = performance.now();
      if (!timer.due(now, false)) return;
      await options.onCheckpoint?.({ tried: [...tried], current });
      timer.wrote(now, performance.now());
    };
    const solve = async (data: ProbeData, l2: number, start: Float64Array, how: LbfgsOptions) => {
      const minimum = await minimise(
        (point) => {
          options.signal?.throwIfAborted();
          return penalised(objective, data, point, scaling, options, l2);
        },
        begun ?? start,
        how,
        checkpoint,
      );
      begun = undefined;
      const classifier = unfold(minimum.point, scaling, classes);
      const validationLogits = await linearScores(scores, classifier, validation.features);
      const validationLoss = crossEntropy(validationLogits, validation.labels, classes);
      return { ...minimum, ...classifier, l2, validationLogits, validationLoss };
    };

    const origin = new Float64Array((scaling.mean.length + 1) * classes);
    for (const l2 of penalties.slice(tried.length)) {
      if (tried.length - 1 - lowestLoss(tried) === 2) break;
      const start = tried.at(-1)?.point ?? origin;
      const { iterations, validationLoss, point } = await solve(part, l2, start, searching);
      tried.push({ l2, iterations, validationLoss, point });
    }
    const chosen = tried[lowestLoss(tried)];
    if (chosen === undefined) throw new RangeError("no penalty was tried");
    // The penalty weighs against the mean loss, so more rows need proportionally less of it.
    const l2 = (chosen.l2 * part.labels.length) / train.labels.length;
    const final = await solve(train, l2, chosen.point, finishing);
    return {
      weight: final.weight,
      bias: final.bias,
      l2,
      iterations: [...tried, final].reduce((sum, { iterations }) => sum + iterations, 0),
      validationLogits: final.validationLogits,
      validationLoss: final.validationLoss,
    };
  } finally {
    await objective.release();
    await scores.release();
  }
}

/** The classifier as the head that `replaceHead` makes without a hidden layer: the start of LP-FT. */
export function headTensors({ weight, bias }: LinearClassifier): ReadonlyMap<string, Tensor> {
  const classes = bias.length;
  const width = weight.length / classes;
  const transposed = new Float32Array(weight.length);
  for (let column = 0; column < width; column++) {
    for (let c = 0; c < classes; c++) {
      transposed[c * width + column] = weight[column * classes + c] ?? 0;
    }
  }
  return new Map([
    ["head.weight", float32(transposed, [classes, width])],
    ["head.bias", float32(bias, [classes])],
  ]);
}

function lowestLoss(tried: readonly { readonly validationLoss: number }[]): number {
  return tried.reduce(
    (best, { validationLoss }, index) =>
      validationLoss < (tried[best]?.validationLoss ?? 0) ? index : best,
    0,
  );
}

/** Logits [N, C] of features [N, D], by a session of `scoresModel`. */
async function linearScores(
  session: Session,
  classifier: LinearClassifier,
  features: Float32Array,
): Promise<Float32Array> {
  const classes = classifier.bias.length;
  const width = classifier.weight.length / classes;
  const rows = features.length / width;
  const logits = new Float32Array(rows * classes);
  const weight = float32(classifier.weight, [width, classes]);
  const bias = float32(classifier.bias, [classes]);
  for (let row = 0; row < rows; row += blockRows) {
    const count = Math.min(blockRows, rows - row);
    const block = features.subarray(row * width, (row + count) * width);
    const outputs = await session.run({ features: float32(block, [count, width]), weight, bias });
    logits.set(floats(outputs.logits), row * classes);
  }
  return logits;
}

/**
 * Of each class its share of as many rows as the work allows: evenly spaced ones of all in the
 * order of their classes. The data itself where that is all of them.
 */
export function selection(data: ProbeData, width: number, classes: number): ProbeData {
  const rows = data.labels.length;
  const wanted = Math.max(10 * classes, Math.floor(selectionWork / (width * classes)));
  if (wanted >= rows) return data;
  const byClass = Uint32Array.from({ length: rows }, (_, row) => row).sort(
    (a, b) => (data.labels[a] ?? 0) - (data.labels[b] ?? 0) || a - b,
  );
  const features = new Float32Array(wanted * width);
  const labels = Uint32Array.from({ length: wanted }, (_, index) => {
    const row = byClass[Math.floor((index * rows) / wanted)] ?? 0;
    features.set(data.features.subarray(row * width, (row + 1) * width), index * width);
    return data.labels[row] ?? 0;
  });
  return { features, labels };
}

/**
 * The mean loss plus penalty at a point [(D + 1) x C] in standardised space, weights first. The
 * features stay as they are: the scaling is applied to the weights and to their gradient.
 */
async function penalised(
  session: Session,
  data: ProbeData,
  point: Float64Array,
  scaling: Scaling,
  { classes, classWeights }: LinearProbeOptions,
  l2: number,
): Promise<Evaluation> {
  const width = scaling.mean.length;
  const rows = data.labels.length;
  const { weight, bias } = unfold(point, scaling, classes);
  const given = {
    weight: float32(weight, [width, classes]),
    bias: float32(bias, [classes]),
  };
  const gradient = new Float64Array(point.length);
  const biasAt = width * classes;
  let value = 0;
  let total = 0;
  for (let row = 0; row < rows; row += blockRows) {
    const count = Math.min(blockRows, rows - row);
    const labels = new BigInt64Array(count);
    const rowWeights = new Float32Array(count).fill(1);
    for (let i = 0; i < count; i++) {
      const label = data.labels[row + i] ?? 0;
      labels[i] = BigInt(label);
      rowWeights[i] = classWeights?.[label] ?? 1;
      total += rowWeights[i] ?? 0;
    }
    const outputs = await session.run({
      ...given,
      features: float32(data.features.subarray(row * width, (row + count) * width), [count, width]),
      labels: { type: "int64", dims: [count], data: labels },
      rowWeights: float32(rowWeights, [count, 1]),
    });
    value += floats(outputs.loss)[0] ?? 0;
    add(gradient, floats(outputs.weightGradient), 0);
    add(gradient, floats(outputs.biasGradient), biasAt);
  }
  let squares = 0;
  for (let column = 0, at = 0; column < width; column++) {
    const mean = scaling.mean[column] ?? 0;
    const inverse = scaling.inverse[column] ?? 0;
    for (let c = 0; c < classes; c++, at++) {
      const own = point[at] ?? 0;
      const raw = (gradient[at] ?? 0) - mean * (gradient[biasAt + c] ?? 0);
      gradient[at] = (raw * inverse) / total + l2 * own;
      squares += own * own;
    }
  }
  for (let at = biasAt; at < gradient.length; at++) gradient[at] = (gradient[at] ?? 0) / total;
  return { value: value / total + (l2 / 2) * squares, gradient };
}

function floats(tensor: Tensor | undefined): Float32Array {
  if (tensor?.type !== "float32") throw new TypeError("the runtime returned no float32 tensor");
  return tensor.data;
}

function add(target: Float64Array, values: Float32Array, offset: number): void {
  for (let i = 0; i < values.length; i++) {
    target[offset + i] = (target[offset + i] ?? 0) + (values[i] ?? 0);
  }
}
