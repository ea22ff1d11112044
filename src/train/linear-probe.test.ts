import { describe, expect, test } from "vitest";
import { randomFor } from "../data/random.ts";
import { splitAt } from "../models/split.ts";
import { onnxRuntime } from "../node/onnxruntime.ts";
import { float32 } from "../onnx/tensor.ts";
import { writeModel } from "../onnx/write.ts";
import { withTensors } from "./export.ts";
import { fitLinearProbe, headTensors, type ProbeData, selection } from "./linear-probe.ts";
import { argmaxRows, crossEntropy } from "./softmax.ts";
import { pooledFeatures, tinyNetwork } from "./tiny-task.fixture.ts";

/** Gaussian blobs around one centre a class, on features of unlike scales with an offset. */
function blobs(
  rows: number,
  width: number,
  classes: number,
  spread: number,
  draw: number,
): ProbeData {
  const random = randomFor("blobs", draw);
  const normal = () =>
    Math.sqrt(-2 * Math.log(1 - random.between(0, 1))) *
    Math.cos(2 * Math.PI * random.between(0, 1));
  const labels = Uint32Array.from({ length: rows }, (_, row) => row % classes);
  const features = new Float32Array(rows * width);
  labels.forEach((label, row) => {
    for (let column = 0; column < width; column++) {
      const centre = Math.sin(1 + label * 3.7 + column * 1.3);
      features[row * width + column] = 5 + 2 ** ((column % 5) - 2) * (centre + spread * normal());
    }
  });
  return { features, labels };
}

function accuracy(logits: Float32Array, labels: ArrayLike<number>, classes: number): number {
  const hits = argmaxRows(logits, classes).filter((guess, row) => guess === labels[row]);
  return hits.length / labels.length;
}

describe("linear probe", () => {
  test("separates noisy blobs and its folded weights give the logits it reports", async () => {
    const train = blobs(120, 20, 3, 1, 0);
    const validation = blobs(60, 20, 3, 1, 1);
    const probe = await fitLinearProbe({ runtime: onnxRuntime, classes: 3, train, validation });
    expect(accuracy(probe.validationLogits, validation.labels, 3)).toBeGreaterThan(0.9);
    expect(probe.validationLoss).toBe(crossEntropy(probe.validationLogits, validation.labels, 3));
    for (const row of [0, 17, 59]) {
      for (let c = 0; c < 3; c++) {
        let logit = probe.bias[c] ?? 0;
        for (let column = 0; column < 20; column++) {
          logit +=
            (validation.features[row * 20 + column] ?? 0) * (probe.weight[column * 3 + c] ?? 0);
        }
        expect(probe.validationLogits[row * 3 + c]).toBeCloseTo(logit, 3);
      }
    }
  });

  test("becomes the head of a network that gives the same logits", async () => {
    const train = blobs(60, 6, 3, 1, 10);
    const probe = await fitLinearProbe({
      runtime: onnxRuntime,
      classes: 3,
      train,
      validation: train,
    });
    const headed = withTensors(tinyNetwork(3), headTensors(probe));
    const { suffix } = splitAt(headed, { value: pooledFeatures, dims: [1, 6] });
    const session = await onnxRuntime.open(writeModel(suffix));
    const { logits } = await session.run({ [pooledFeatures]: float32(train.features, [60, 6]) });
    if (logits?.type !== "float32") throw new TypeError("no logits");
    probe.validationLogits.forEach((expected, i) => {
      expect(logits.data[i]).toBeCloseTo(expected, 4);
    });
    await session.release();
  });

  test("reaches the optimum: the penalised gradient vanishes", async () => {
    // With one binary feature of deviation 1 and balanced classes the optimum has a closed form:
    // by symmetry weight -w/+w per unit, with sigmoid error equal to the penalty's pull.
    const features = Float32Array.from({ length: 40 }, (_, row) => (row % 2 === 0 ? 1 : -1));
    const labels = Uint32Array.from({ length: 40 }, (_, row) =>
      row < 30 ? row % 2 : 1 - (row % 2),
    );
    const data = { features, labels };
    const probe = await fitLinearProbe({
      runtime: onnxRuntime,
      classes: 2,
      train: data,
      validation: data,
    });
    const pull = probe.weight[0] ?? 0;
    const p = 1 / (1 + Math.exp(-2 * pull));
    expect(0.75 - p).toBeCloseTo(probe.l2 * pull, 4);
    expect(probe.weight[1]).toBeCloseTo(-pull, 4);
  });

  test("noise asks for a stronger penalty than signal", async () => {
    const options = { runtime: onnxRuntime, classes: 2 };
    const clear = await fitLinearProbe({
      ...options,
      train: blobs(60, 30, 2, 0.3, 2),
      validation: blobs(60, 30, 2, 0.3, 3),
    });
    const noisy = await fitLinearProbe({
      ...options,
      train: blobs(60, 30, 2, 5, 4),
      validation: blobs(60, 30, 2, 5, 5),
    });
    expect(noisy.l2).toBeGreaterThan(clear.l2);
  });

  test("class weights shift the decision towards the weighted class", async () => {
    const train = blobs(90, 4, 3, 3, 6);
    const validation = blobs(90, 4, 3, 3, 7);
    const shares = await Promise.all(
      [
        [1, 1, 1],
        [1, 1, 20],
      ].map(async (classWeights) => {
        const probe = await fitLinearProbe({
          runtime: onnxRuntime,
          classes: 3,
          train,
          validation,
          classWeights,
        });
        return argmaxRows(probe.validationLogits, 3).filter((guess) => guess === 2).length;
      }),
    );
    expect(shares[1]).toBeGreaterThan(shares[0] ?? 0);
  });

  test("a constant feature gets no weight, and the same data give the same bytes", async () => {
    const train = blobs(30, 3, 3, 0.5, 8);
    for (let row = 0; row < 30; row++) train.features[row * 3 + 1] = 7;
    const options = { runtime: onnxRuntime, classes: 3, train, validation: train };
    const first = await fitLinearProbe(options);
    expect([...first.weight.subarray(3, 6)]).toEqual([0, 0, 0]);
    expect(await fitLinearProbe(options)).toEqual(first);
  });

  test("the penalty of large data is chosen on rows of all classes, also where they come in turn", () => {
    const [rows, width, classes] = [2000, 1000, 100];
    const labels = Uint32Array.from({ length: rows }, (_, row) => row % classes);
    const part = selection({ features: new Float32Array(rows * width), labels }, width, classes);
    const counts = new Array<number>(classes).fill(0);
    for (const label of Array.from(part.labels)) counts[label] = (counts[label] ?? 0) + 1;
    expect(counts).toEqual(new Array<number>(classes).fill(10));
  });

  test("a feature at rest while training does not drown the others when it wakes", async () => {
    const width = 20;
    const train = blobs(120, width, 3, 1, 11);
    const validation = blobs(60, width, 3, 1, 12);
    const still = randomFor("still", 0);
    for (let row = 0; row < 120; row++) train.features[row * width] = still.between(0, 1e-4);
    for (let row = 0; row < 60; row++) validation.features[row * width] = still.between(0, 1e-4);
    const options = { runtime: onnxRuntime, classes: 3, train };
    const probe = await fitLinearProbe({ ...options, validation });
    expect(accuracy(probe.validationLogits, validation.labels, 3)).toBeGreaterThan(0.9);
    const awake = probe.validationLogits.map((logit, at) => logit + (probe.weight[at % 3] ?? 0));
    expect(accuracy(awake, validation.labels, 3)).toBeGreaterThan(0.9);
  });

  test("an abort stops it", async () => {
    const train = blobs(30, 3, 3, 0.5, 9);
    const signal = AbortSignal.abort(new Error("stop"));
    const options = { runtime: onnxRuntime, classes: 3, train, validation: train, signal };
    await expect(fitLinearProbe(options)).rejects.toThrow("stop");
  });
});
