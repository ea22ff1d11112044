import { GraphBuilder } from "../onnx/build.ts";
import type { Model, ValueInfo } from "../onnx/graph.ts";
import { int64 } from "../onnx/tensor.ts";

const float = (name: string, shape: ValueInfo["shape"]): ValueInfo => ({
  name,
  type: "float32",
  shape,
});

/** Logits of a linear classifier: `features` [N, D], `weight` [D, C], `bias` [C] to `logits` [N, C]. */
export function scoresModel(): Model {
  const build = new GraphBuilder(["features", "weight", "bias", "logits"]);
  build.add("Gemm", ["features", "weight", "bias"], {}, { output: "logits" });
  return model(
    build,
    [float("features", ["N", "D"]), float("weight", ["D", "C"]), float("bias", ["C"])],
    [float("logits", ["N", "C"])],
  );
}

/**
 * Weighted sum of the cross-entropy of a linear classifier and its gradients. Beside the inputs
 * of `scoresModel`: `labels` int64 [N], `rowWeights` [N, 1]; outputs `loss` [], `weightGradient`
 * [D, C], `biasGradient` [C].
 */
export function objectiveModel(classes: number): Model {
  const outputs = ["loss", "weightGradient", "biasGradient"];
  const build = new GraphBuilder([
    "features",
    "weight",
    "bias",
    "labels",
    "rowWeights",
    ...outputs,
  ]);
  const logits = build.add("Gemm", ["features", "weight", "bias"]);
  const logProbabilities = build.add("LogSoftmax", [logits], { axis: 1 });
  const depth = build.constant(int64([classes]));
  const offOn = build.constant({ type: "float32", dims: [2], data: new Float32Array([0, 1]) });
  const oneHot = build.add("OneHot", ["labels", depth, offOn], { axis: 1 });
  const targets = build.add("Mul", [oneHot, "rowWeights"]);
  const likelihood = build.add("Mul", [targets, logProbabilities]);
  const total = build.add("ReduceSum", [likelihood], { keepdims: 0 });
  build.add("Neg", [total], {}, { output: "loss" });
  const probabilities = build.add("Exp", [logProbabilities]);
  const expected = build.add("Mul", [probabilities, "rowWeights"]);
  const error = build.add("Sub", [expected, targets]);
  build.add("Gemm", ["features", error], { transA: 1 }, { output: "weightGradient" });
  build.add("ReduceSum", [error, build.ints([0])], { keepdims: 0 }, { output: "biasGradient" });
  return model(
    build,
    [
      float("features", ["N", "D"]),
      float("weight", ["D", classes]),
      float("bias", [classes]),
      { name: "labels", type: "int64", shape: ["N"] },
      float("rowWeights", ["N", 1]),
    ],
    [float("loss", []), float("weightGradient", ["D", classes]), float("biasGradient", [classes])],
  );
}

function model(
  build: GraphBuilder,
  inputs: readonly ValueInfo[],
  outputs: readonly ValueInfo[],
): Model {
  return {
    graph: build.build("linear-probe", inputs, outputs),
    opsets: new Map([["", 17]]),
    irVersion: 8,
    producer: "thaw",
    metadata: new Map(),
  };
}
