import type { GraphBuilder } from "../onnx/build.ts";
import { float32 } from "../onnx/tensor.ts";
import type { CrossEntropy } from "./training-graph.ts";

export interface LossInputs {
  /** [N, C]. */
  readonly logits: string;
  /** [N, C]. */
  readonly targets: string;
  /** [N]. */
  readonly sampleWeights: string;
}

/**
 * Writes softmax cross-entropy and its gradient with respect to the logits.
 *
 * With targets y, smoothed y' = (1 - e) y + e / C, class weights w and sample weights s:
 *
 *     loss = sum_n s_n sum_c w_c y'_nc (-log softmax(z_n)_c) / sum_n s_n sum_c w_c y_nc
 *
 * For one-hot targets and s = 1 this is PyTorch's `CrossEntropyLoss` with class-index targets: the
 * mean divides by the summed weights of the targets before smoothing. PyTorch with probability
 * targets divides by N instead; without class weights the two are the same. A batch whose weights
 * are all 0 has loss 0.
 *
 * @returns names of the scalar loss and of the gradient [N, C]
 */
export function writeCrossEntropy(
  build: GraphBuilder,
  { labelSmoothing, classWeights }: CrossEntropy,
  { logits, targets, sampleWeights }: LossInputs,
  [batch, classes]: readonly [number, number],
): { readonly loss: string; readonly gradient: string } {
  const weigh = (value: string) =>
    classWeights === undefined
      ? value
      : build.add("Mul", [value, build.constant(float32(classWeights, [classes]), "classWeights")]);
  const sumRows = (value: string) =>
    build.add("ReduceSum", [value, build.ints([1])], { keepdims: 1 });
  const sumAll = (value: string) => build.add("ReduceSum", [value], { keepdims: 0 });

  const smoothed =
    labelSmoothing === 0
      ? targets
      : build.add("Add", [
          build.add("Mul", [targets, build.scalar(1 - labelSmoothing)]),
          build.scalar(labelSmoothing / classes),
        ]);
  const weighted = weigh(smoothed);
  const rows = build.add("Reshape", [sampleWeights, build.ints([batch, 1])]);
  const total = sumAll(build.add("Mul", [sumRows(weigh(targets)), rows]));
  const share = build.add("Div", [rows, build.add("Max", [total, build.scalar(1e-12)])]);

  const logProbabilities = build.add("LogSoftmax", [logits], { axis: -1 });
  const perRow = sumRows(build.add("Mul", [weighted, logProbabilities]));
  const loss = build.add("Neg", [sumAll(build.add("Mul", [perRow, share]))]);

  const probabilities = build.add("Exp", [logProbabilities]);
  const pull = build.add("Mul", [probabilities, sumRows(weighted)]);
  const gradient = build.add("Mul", [build.add("Sub", [pull, weighted]), share]);
  return { loss, gradient };
}
