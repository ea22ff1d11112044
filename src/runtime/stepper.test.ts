import { describe, expect, test } from "vitest";
import { buildTrainingGraph } from "../autodiff/build-training-graph.ts";
import { batchOf, CLASSES, trainingSpec } from "../autodiff/networks.fixture.ts";
import type { Optimizer } from "../autodiff/training-graph.ts";
import { onnxRuntime } from "../node/onnxruntime.ts";
import { float32, type Tensor } from "../onnx/tensor.ts";
import { createStepper } from "./stepper.ts";
import { openWeightsAsInputs } from "./weights-as-inputs.ts";

const graph = buildTrainingGraph(await trainingSpec({ batchNorm: "batch", averageDecay: 0.9 }));
const open = () => createStepper(onnxRuntime, graph, { threads: 1 });

test("a restored state goes on to the same bytes", async () => {
  const stepper = await open();
  for (let seed = 1; seed <= 3; seed++) await stepper.step(batchOf(4, { seed }));
  const saved = stepper.state();
  for (let seed = 4; seed <= 6; seed++) await stepper.step(batchOf(4, { seed }));
  const wanted = stepper.state();
  await stepper.release();

  const other = await open();
  other.restore(saved);
  for (let seed = 4; seed <= 6; seed++) await other.step(batchOf(4, { seed }));
  expect(other.state()).toEqual(wanted);
  await other.release();
});

test("a snapshot is a copy", async () => {
  const stepper = await open();
  const before = stepper.state();
  const copy = structuredClone(before);
  for (let seed = 1; seed <= 4; seed++) await stepper.step(batchOf(4, { seed }));
  expect(before).toEqual(copy);
  expect(stepper.state()).not.toEqual(copy);
  const [first] = graph.state;
  expect(Array.from(first?.initial.data ?? [])).toEqual(
    Array.from(before.get(first?.input ?? "")?.data ?? [], Number),
  );
  await stepper.release();
});

test("the state stays where it is", async () => {
  const stepper = await open();
  const before = Object.values(stepper.current()).map(({ data }) => data);
  const start = before.map((data) => data.slice());
  await stepper.step(batchOf(4));
  const after = Object.values(stepper.current()).map(({ data }) => data);
  expect(after.every((data, at) => data === before[at])).toBe(true);
  expect(after).not.toEqual(start);
  await stepper.release();
});

const optimizers: readonly [string, Optimizer][] = [
  ["SGD", { kind: "sgd", momentum: 0, nesterov: false, weightDecay: 0 }],
  ["SGD with momentum", { kind: "sgd", momentum: 0.9, nesterov: false, weightDecay: 0.01 }],
  ["Nesterov's", { kind: "sgd", momentum: 0.9, nesterov: true, weightDecay: 0.01 }],
  ["AdamW", { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 }],
];

test.each(
  optimizers.flatMap(([name, optimizer]) => [
    [name, optimizer, undefined] as const,
    [`${name}, clipped,`, optimizer, 1] as const,
  ]),
)("%s in place gives the bytes that tensors of their own give", async (_, optimizer, clipNorm) => {
  const spec = await trainingSpec({
    optimizer,
    batchNorm: "batch",
    averageDecay: 0.9,
    ...(clipNorm === undefined ? {} : { clipNorm }),
  });
  const graph = buildTrainingGraph(spec);
  const stepper = await createStepper(onnxRuntime, graph, { threads: 1 });
  const session = await openWeightsAsInputs(onnxRuntime, graph.model, { threads: 1 });
  let state: Record<string, Tensor> = Object.fromEntries(
    graph.state.map(({ input, initial }) => [input, initial]),
  );
  for (let seed = 1; seed <= 5; seed++) {
    const batch = batchOf(4, { seed });
    await stepper.step(batch);
    const outputs = await session.run({
      ...state,
      [graph.inputs.features]: float32(batch.features, [4, 3, 8, 8]),
      [graph.inputs.targets]: float32(batch.targets, [4, CLASSES]),
      [graph.inputs.sampleWeights]: float32(batch.sampleWeights, [4]),
      [graph.inputs.learningRate]: float32([batch.learningRate], []),
    });
    state = Object.fromEntries(
      graph.state.map(({ input, output }) => [input, outputs[output] ?? float32([], [0])]),
    );
  }
  for (const [name, tensor] of stepper.state())
    expect(tensor.data, name).toEqual(state[name]?.data);
  await stepper.release();
  await session.release();
});

test("steps asked for at once run one after the other", async () => {
  const [queued, waited] = [await open(), await open()];
  await Promise.all([1, 2, 3].map((seed) => queued.step(batchOf(4, { seed }))));
  for (const seed of [1, 2, 3]) await waited.step(batchOf(4, { seed }));
  expect(queued.state()).toEqual(waited.state());
  await queued.release();
  await waited.release();
});

test("a step that is refused leaves the state as it was", async () => {
  const stepper = await open();
  const before = stepper.state();
  const short = { ...batchOf(4), features: new Float32Array(3) };
  await expect(stepper.step(short)).rejects.toMatchObject({
    fault: { code: "runtime/wrong-length" },
  });
  expect(stepper.state()).toEqual(before);
  await stepper.step(batchOf(4));
  await stepper.release();
});

describe("a state of another training is refused", () => {
  test.each([
    ["a tensor missing", "conv1.weight", undefined],
    ["a tensor of other dimensions", "conv1.weight", float32([1], [1])],
    ["a tensor too many", "conv9.weight", float32([1], [1])],
  ])("%s", async (_, name, tensor) => {
    const stepper = await open();
    const before = stepper.state();
    const changed = new Map(before);
    if (tensor === undefined) changed.delete(name);
    else changed.set(name, tensor);
    expect(() => stepper.restore(changed)).toThrow(
      expect.objectContaining({ fault: expect.objectContaining({ code: "runtime/wrong-state" }) }),
    );
    expect(stepper.state()).toEqual(before);
    await stepper.release();
  });
});
