import { describe, expect, test } from "vitest";
import { onnxRuntime } from "../node/onnxruntime.ts";
import { run } from "../onnx/run.fixture.ts";
import { float32, type Tensor } from "../onnx/tensor.ts";
import { createStepper } from "../runtime/stepper.ts";
import { buildEvaluationGraph } from "./build-evaluation-graph.ts";
import { buildTrainingGraph } from "./build-training-graph.ts";
import { batchOf, layers, trainableNetwork, trainingSpec } from "./networks.fixture.ts";
import type { TrainingSpec } from "./training-graph.ts";

type State = ReadonlyMap<string, Tensor>;

async function train(spec: TrainingSpec, rows: number, steps: number, real = rows) {
  const stepper = await createStepper(onnxRuntime, buildTrainingGraph(spec), { threads: 2 });
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    const { loss } = await stepper.step(batchOf(rows, { real, seed: step + 1 }));
    losses.push(loss);
  }
  const result = { losses, state: stepper.state(), parameters: stepper.parameters() };
  await stepper.release();
  return result;
}

function expectClose(found: State, wanted: State, digits: number): void {
  expect([...found.keys()]).toEqual([...wanted.keys()]);
  for (const [name, tensor] of wanted) {
    tensor.data.forEach((value, index) => {
      expect(Number(found.get(name)?.data[index]), name).toBeCloseTo(Number(value), digits);
    });
  }
}

const groupOf = (...parameters: string[]) => [
  { parameters, learningRateScale: 1, weightDecayScale: 1 },
];

describe.each(["frozen", "batch"] as const)("BatchNormalization %s", (batchNorm) => {
  test("training lowers the loss on one batch", async () => {
    const spec = await trainingSpec({ batchNorm });
    const stepper = await createStepper(onnxRuntime, buildTrainingGraph(spec));
    const batch = { ...batchOf(4), learningRate: 0.05 };
    const first = await stepper.step(batch);
    for (let step = 0; step < 30; step++) await stepper.step(batch);
    const last = await stepper.step(batch);
    expect(last.loss).toBeLessThan(first.loss / 2);
    await stepper.release();
  });

  test("two runs give the same bytes", async () => {
    const spec = await trainingSpec({ batchNorm });
    const [first, second] = [await train(spec, 4, 5), await train(spec, 4, 5)];
    expect(first.state).toEqual(second.state);
    expect(first.losses).toEqual(second.losses);
  });

  test("a partial batch with masked padding equals the smaller batch", async () => {
    const padded = await train(await trainingSpec({ batchNorm, batch: 5 }), 5, 1, 3);
    const smaller = await train(await trainingSpec({ batchNorm, batch: 3 }), 3, 1);
    expect(padded.losses[0]).toBeCloseTo(smaller.losses[0] ?? Number.NaN, 5);
    const gradients = (state: State) =>
      new Map([...state].filter(([name]) => name.endsWith("first-moment")));
    expectClose(gradients(padded.state), gradients(smaller.state), 5);
    const statistics = (parameters: State) =>
      new Map([...parameters].filter(([name]) => /mean|var/.test(name)));
    expectClose(statistics(padded.parameters), statistics(smaller.parameters), 5);
    expect(statistics(padded.parameters).size).toBe(batchNorm === "batch" ? 4 : 0);
  });
});

test("frozen parameters are constants with the very bytes of the network", async () => {
  const spec = await trainingSpec({ groups: groupOf(...layers.head), batchNorm: "batch" });
  const { model, state } = buildTrainingGraph(spec);
  const held = spec.network.graph.initializers;
  for (const name of [...layers.stem, ...layers.block, "bn1.mean", "bn2.var"]) {
    expect(model.graph.initializers.get(name), name).toBe(held.get(name));
  }
  expect(new Set(state.map(({ parameter }) => parameter))).toEqual(
    new Set([...layers.head, undefined]),
  );
  const before = new Map([...held].map(([name, tensor]) => [name, structuredClone(tensor)]));
  await train(spec, 4, 3);
  expect(held).toEqual(before);
});

test("nothing is differentiated before the first trained parameter", async () => {
  const head = buildTrainingGraph(await trainingSpec({ groups: groupOf(...layers.head) }));
  const convolutions = head.model.graph.nodes.filter(({ op }) => op.startsWith("Conv"));
  expect(convolutions).toHaveLength(2);
});

test("the gradient flows through the fold of a frozen BatchNormalization", async () => {
  const spec = await trainingSpec({
    optimizer: { kind: "sgd", momentum: 0.9, nesterov: false, weightDecay: 0 },
  });
  const graph = buildTrainingGraph(spec);
  expect(graph.model.graph.nodes.map(({ op }) => op)).not.toContain("BatchNormalization");
  const stepper = await createStepper(onnxRuntime, graph);
  await stepper.step({ ...batchOf(4), learningRate: 0 });
  const gradients = stepper.state();
  for (const name of ["bn1.scale", "bn1.bias", "conv1.weight", "conv2.bias"]) {
    const gradient = gradients.get(`${name}.first-moment`)?.data ?? [];
    const lossAt = async (shift: number) => {
      const snapshot = new Map(stepper.state());
      const held = spec.network.graph.initializers.get(name);
      const moved = Float32Array.from(held?.data ?? [], Number);
      moved[1] = (moved[1] ?? 0) + shift;
      snapshot.set(name, float32(moved, held?.dims ?? []));
      const before = stepper.state();
      stepper.restore(snapshot);
      const { loss } = await stepper.step({ ...batchOf(4), learningRate: 0 });
      stepper.restore(before);
      return loss;
    };
    const slope = ((await lossAt(1e-3)) - (await lossAt(-1e-3))) / 2e-3;
    expect(Number(gradient[1]), name).toBeCloseTo(slope, 3);
  }
  await stepper.release();
});

test("groups scale learning rate and decay", async () => {
  const scaled = await trainingSpec({
    groups: [
      { parameters: layers.head, learningRateScale: 1, weightDecayScale: 0 },
      { parameters: layers.block, learningRateScale: 0, weightDecayScale: 1 },
    ],
  });
  const { parameters } = await train(scaled, 4, 2);
  const held = scaled.network.graph.initializers;
  for (const name of layers.block) expect(parameters.get(name)).toEqual(held.get(name));
  expect(parameters.get("fc.weight")).not.toEqual(held.get("fc.weight"));
});

test("clipping leaves gradients of the norm it is told", async () => {
  const optimizer = { kind: "sgd", momentum: 0.9, nesterov: false, weightDecay: 0 } as const;
  const norm = (state: State) =>
    Math.hypot(
      ...[...state]
        .filter(([name]) => name.endsWith("first-moment"))
        .flatMap(([, tensor]) => Array.from(tensor.data, Number)),
    );
  const spec = await trainingSpec({ optimizer });
  const stepper = await createStepper(onnxRuntime, buildTrainingGraph(spec));
  const { gradientNorm } = await stepper.step(batchOf(4));
  expect(norm(stepper.state())).toBeCloseTo(gradientNorm, 5);
  await stepper.release();
  const clipped = await train({ ...spec, clipNorm: gradientNorm / 4 }, 4, 1);
  expect(norm(clipped.state)).toBeCloseTo(gradientNorm / 4, 5);
  const loose = await train({ ...spec, clipNorm: gradientNorm * 4 }, 4, 1);
  expect(norm(loose.state)).toBeCloseTo(gradientNorm, 5);
});

test("the moving average follows every trained parameter", async () => {
  const spec = await trainingSpec({ averageDecay: 0.75, groups: groupOf(...layers.head) });
  const stepper = await createStepper(onnxRuntime, buildTrainingGraph(spec));
  const start = Number(spec.network.graph.initializers.get("fc.bias")?.data[0]);
  let wanted = start;
  for (let step = 0; step < 3; step++) {
    await stepper.step(batchOf(4, { seed: step + 1 }));
    const now = Number(stepper.parameters().get("fc.bias")?.data[0]);
    wanted = 0.75 * wanted + 0.25 * now;
  }
  expect(wanted).not.toBeCloseTo(start, 3);
  expect(Number(stepper.averages().get("fc.bias")?.data[0])).toBeCloseTo(wanted, 6);
  await stepper.release();
});

test("dropout in the trained part multiplies by a mask input", async () => {
  const spec = await trainingSpec({ dropout: 0.5, groups: groupOf(...layers.head) });
  const graph = buildTrainingGraph(spec);
  expect(graph.inputs.dropoutMasks).toEqual([
    { name: expect.any(String), dims: [4, 6], ratio: 0.5 },
  ]);
  const stepper = await createStepper(onnxRuntime, graph);
  const batch = { ...batchOf(4), learningRate: 0 };
  const all = await stepper.step({ ...batch, masks: [new Float32Array(24).fill(1)] });
  const logits = all.logits.slice();
  expect((await stepper.step(batch)).logits).toEqual(logits);
  const none = await stepper.step({ ...batch, masks: [new Float32Array(24)] });
  const bias = Array.from(spec.network.graph.initializers.get("fc.bias")?.data ?? [], Number);
  expect(Array.from(none.logits)).toEqual([bias, bias, bias, bias].flat());
  await stepper.release();
});

test("dropout in the frozen part is idle", async () => {
  const network = trainableNetwork();
  const nodes = network.graph.nodes.flatMap((node) =>
    node.op === "MaxPool"
      ? [
          { ...node, outputs: ["pooled"] },
          {
            ...node,
            name: "idle",
            op: "Dropout",
            inputs: ["pooled"],
            outputs: node.outputs,
            attributes: {},
          },
        ]
      : [node],
  );
  const changed = { ...network, graph: { ...network.graph, nodes } };
  const masks = async (...parameters: string[]) =>
    buildTrainingGraph(await trainingSpec({ network: changed, groups: groupOf(...parameters) }))
      .inputs.dropoutMasks.length;
  expect(await masks(...layers.head)).toBe(0);
  expect(await masks(...layers.block)).toBe(1);
  expect(await masks(...layers.stem)).toBe(1);
});

test("the evaluation graph answers as the network with the trained parameters does", async () => {
  for (const batchNorm of ["frozen", "batch"] as const) {
    const spec = await trainingSpec({ batchNorm, dropout: 0.5 });
    const { parameters } = await train(spec, 4, 3);
    const evaluation = buildEvaluationGraph(spec);
    expect(new Set(evaluation.state)).toEqual(new Set(parameters.keys()));
    const image = float32(batchOf(2).features, [2, 3, 8, 8]);
    const feeds = { ...Object.fromEntries(parameters), [evaluation.features]: image };
    const found = await run(evaluation.model, { feeds });
    const { graph } = spec.network;
    const initializers = new Map([...graph.initializers, ...parameters]);
    const trained = { ...spec.network, graph: { ...graph, initializers } };
    const wanted = await run(trained, { feeds: { image } });
    const logits = found[evaluation.logits]?.data ?? [];
    wanted.logits?.data.forEach((value, index) => {
      expect(Number(logits[index])).toBeCloseTo(Number(value), 4);
    });
  }
});

describe("refuses", () => {
  test.each<[string, Partial<TrainingSpec>, string]>([
    ["an unknown parameter", { groups: groupOf("nothing") }, "autodiff/unknown-parameter"],
    [
      "a parameter in two groups",
      { groups: groupOf("fc.bias", "fc.bias") },
      "autodiff/unknown-parameter",
    ],
    ["no parameter", { groups: [] }, "autodiff/unknown-parameter"],
    [
      "values of unknown shape",
      { shapes: new Map([["logits", [4, 3]]]) },
      "autodiff/unknown-shape",
    ],
    ["logits that are none", { logits: "image" }, "autodiff/wrong-logits"],
  ])("%s", async (_, change, code) => {
    const spec = await trainingSpec(change);
    expect(() => buildTrainingGraph(spec)).toThrow(
      expect.objectContaining({ fault: expect.objectContaining({ code }) }),
    );
  });

  test("a parameter the logits do not depend on", async () => {
    const network = trainableNetwork();
    const initializers = new Map([...network.graph.initializers, ["idle", float32([1], [1])]]);
    const changed = { ...network, graph: { ...network.graph, initializers } };
    const spec = await trainingSpec({ network: changed, groups: groupOf("idle", ...layers.head) });
    expect(() => buildTrainingGraph(spec)).toThrow(
      expect.objectContaining({
        fault: expect.objectContaining({ code: "autodiff/no-gradient", where: "idle" }),
      }),
    );
  });

  test("an older opset", async () => {
    const network = { ...trainableNetwork(), opsets: new Map([["", 17]]) };
    const spec = { ...(await trainingSpec()), network };
    expect(() => buildTrainingGraph(spec)).toThrow(
      expect.objectContaining({ fault: expect.objectContaining({ code: "autodiff/wrong-opset" }) }),
    );
  });
});

test("the norm takes gradients in the order in which memory is freed, whatever the groups'", async () => {
  const parameters = [...layers.head, ...layers.stem, ...layers.block];
  const spec = await trainingSpec({ groups: groupOf(...parameters), clipNorm: 1 });
  const { model, gradients } = buildTrainingGraph(spec);
  const named = new Map(parameters.map((name) => [gradients.get(name), name]));
  const squared = model.graph.nodes.flatMap(({ op, inputs: [gradient] }) =>
    op === "ReduceSumSquare" ? [named.get(gradient)] : [],
  );
  const layerOf = (name = "") => (name.startsWith("fc") ? 2 : name.includes("2") ? 1 : 0);
  expect(squared).toHaveLength(parameters.length);
  expect(squared.map(layerOf)).toEqual(squared.map(layerOf).toSorted());
});
