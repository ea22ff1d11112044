import { expect, test } from "vitest";
import { GraphBuilder } from "../onnx/build.ts";
import { floats, modelOf } from "../onnx/models.fixture.ts";
import { run } from "../onnx/run.fixture.ts";
import { float32 } from "../onnx/tensor.ts";
import { writeCrossEntropy } from "./loss.ts";
import type { CrossEntropy } from "./training-graph.ts";

const logits = [1, -2, 0.5, 0.25, 0.75, -1, 2, 0, -0.5, -1, 1, 3];
const oneHot = [1, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1];
const soft = [0.7, 0.2, 0.1, 0, 0.5, 0.5, 1, 0, 0, 0.25, 0.25, 0.5];

async function crossEntropy(
  spec: CrossEntropy,
  targets: readonly number[],
  weights: readonly number[] = [1, 1, 1, 1],
  rows = 4,
) {
  const build = new GraphBuilder(["logits", "targets", "weights"]);
  const names = { logits: "logits", targets: "targets", sampleWeights: "weights" };
  const { loss, gradient } = writeCrossEntropy(build, spec, names, [rows, 3]);
  const inputs = [
    floats("logits", [rows, 3]),
    floats("targets", [rows, 3]),
    floats("weights", [rows]),
  ];
  const model = modelOf(build.build("loss", inputs, [floats(loss, null), floats(gradient, null)]));
  const feeds = {
    logits: float32(logits.slice(0, rows * 3), [rows, 3]),
    targets: float32(targets.slice(0, rows * 3), [rows, 3]),
    weights: float32(weights.slice(0, rows), [rows]),
  };
  const found = await run(model, { feeds });
  return {
    loss: Number(found[loss]?.data[0]),
    gradient: Array.from(found[gradient]?.data ?? [], Number),
  };
}

function expectClose(found: readonly number[], wanted: readonly number[]): void {
  expect(found).toHaveLength(wanted.length);
  wanted.forEach((value, index) => {
    expect(found[index]).toBeCloseTo(value, 6);
  });
}

// The figures of the next three tests were computed by PyTorch in float64.

test("plain", async () => {
  const { loss, gradient } = await crossEntropy({ labelSmoothing: 0 }, oneHot);
  expect(loss).toBeCloseTo(1.2927617756995085, 6);
  expectClose(
    gradient,
    [
      -0.09906277596284355, 0.007514721892393506, 0.09154805407045005, 0.08517231526489998,
      0.1404254078520178, -0.22559772311691778, 0.20535225486628148, -0.22220859442439472,
      0.016856339558113234, 0.003969059994116693, 0.02932760695654959, -0.03329666695066627,
    ],
  );
});

test("class weights and label smoothing, class-index targets", async () => {
  const spec = { labelSmoothing: 0.1, classWeights: [1, 2, 0.5] };
  const { loss, gradient } = await crossEntropy(spec, oneHot);
  expect(loss).toBeCloseTo(1.5953132487869324, 6);
  expectClose(
    gradient,
    [
      -0.07988048889555761, -0.009026699409399937, 0.08890718830495754, 0.039930978650109986,
      0.06290773111614341, -0.10283870976625341, 0.3852584884937062, -0.41339980598008985,
      0.0281413174863837, -0.006084199336667207, -4.768939128856663e-5, 0.006131888727955775,
    ],
  );
});

test("soft targets and label smoothing", async () => {
  const { loss, gradient } = await crossEntropy({ labelSmoothing: 0.2 }, soft);
  expect(loss).toBeCloseTo(1.2310951090328417, 6);
  expectClose(
    gradient,
    [
      -0.005729442629510195, -0.04915194477427316, 0.054881387403783385, 0.06850564859823331,
      0.023758741185351123, -0.09226438978358444, -0.011314411800385199, 0.011124738908938617,
      0.0001896728914465677, -0.06269760667254998, -0.03733905971011708, 0.10003666638266706,
    ],
  );
});

test("a row of weight 0 is as good as absent", async () => {
  const spec = { labelSmoothing: 0.1, classWeights: [1, 2, 0.5] };
  const masked = await crossEntropy(spec, soft, [1, 1, 1, 0]);
  const fewer = await crossEntropy(spec, soft, [1, 1, 1], 3);
  expect(masked.loss).toBeCloseTo(fewer.loss, 6);
  expectClose(masked.gradient, [...fewer.gradient, 0, 0, 0]);
});

test("sample weights count as repetitions", async () => {
  const twice = await crossEntropy({ labelSmoothing: 0 }, oneHot, [2, 0, 0, 1]);
  const each = await Promise.all(
    [
      [1, 0, 0, 0],
      [0, 0, 0, 1],
    ].map((weights) => crossEntropy({ labelSmoothing: 0 }, oneHot, weights)),
  );
  expect(twice.loss).toBeCloseTo((2 * (each[0]?.loss ?? 0) + (each[1]?.loss ?? 0)) / 3, 6);
});

test("a batch of padding alone has loss 0 and no gradient", async () => {
  const { loss, gradient } = await crossEntropy({ labelSmoothing: 0.1 }, oneHot, [0, 0, 0, 0]);
  expect(loss).toBe(0);
  expectClose(gradient, Array(12).fill(0));
});
