import { describe, expect, test } from "vitest";
import { buildTrainingGraph } from "../autodiff/build-training-graph.ts";
import { batchOf, trainingSpec } from "../autodiff/networks.fixture.ts";
import type { Optimizer } from "../autodiff/training-graph.ts";
import { onnxRuntime } from "../node/onnxruntime.ts";
import { float32 } from "../onnx/tensor.ts";
import { createStepper } from "./stepper.ts";

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

test.each([
  ["in two sets of buffers", undefined, 0],
  ["in place where gradients are clipped, but for running statistics", 1, 4],
])("the state lives %s, whatever the number of steps", async (_, clipNorm, statistics) => {
  const spec = await trainingSpec({ batchNorm: "batch", ...(clipNorm ? { clipNorm } : {}) });
  const stepper = await createStepper(onnxRuntime, buildTrainingGraph(spec), { threads: 1 });
  const buffers = new Set<unknown>();
  for (let seed = 1; seed <= 10; seed++) {
    await stepper.step(batchOf(4, { seed }));
    for (const tensor of Object.values(stepper.current())) buffers.add(tensor.data);
  }
  const tensors = Object.keys(stepper.current()).length;
  expect(buffers.size).toBe(clipNorm === undefined ? 2 * tensors : tensors + statistics);
  await stepper.release();
});

const optimizers: readonly [string, Optimizer][] = [
  ["SGD", { kind: "sgd", momentum: 0, nesterov: false, weightDecay: 0 }],
  ["SGD with momentum", { kind: "sgd", momentum: 0.9, nesterov: false, weightDecay: 0.01 }],
  ["Nesterov's", { kind: "sgd", momentum: 0.9, nesterov: true, weightDecay: 0.01 }],
  ["AdamW", { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 }],
];

test.each(optimizers)("%s in place gives the bytes that two buffers give", async (_, optimizer) => {
  const spec = await trainingSpec({
    optimizer,
    batchNorm: "batch",
    averageDecay: 0.9,
    clipNorm: 1,
  });
  const inPlace = buildTrainingGraph(spec);
  const apart = { ...inPlace, state: inPlace.state.map((state) => ({ ...state, inPlace: false })) };
  const states = await Promise.all(
    [inPlace, apart].map(async (graph) => {
      const stepper = await createStepper(onnxRuntime, graph, { threads: 1 });
      for (let seed = 1; seed <= 5; seed++) await stepper.step(batchOf(4, { seed }));
      const state = stepper.state();
      await stepper.release();
      return state;
    }),
  );
  expect(states[0]).toEqual(states[1]);
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
