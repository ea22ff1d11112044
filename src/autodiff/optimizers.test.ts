import { expect, test } from "vitest";
import { GraphBuilder } from "../onnx/build.ts";
import { floats, modelOf } from "../onnx/models.fixture.ts";
import { run } from "../onnx/run.fixture.ts";
import { float32, type Tensor } from "../onnx/tensor.ts";
import { writeOptimizer } from "./optimizers.ts";
import type { Optimizer, ParameterGroup } from "./training-graph.ts";

const gradients = [
  [0.5, -1, 2],
  [0.25, 0.5, -0.75],
  [-1, 0.125, 1],
];

/** The parameter after each of three steps at learning rate 0.1. */
async function steps(
  optimizer: Optimizer,
  { learningRateScale = 1, weightDecayScale = 1 } = {},
): Promise<number[][]> {
  const build = new GraphBuilder(["p", "g", "lr", "p.next"]);
  const state = new Map<string, { output: string; tensor: Tensor }>();
  const declare = (_: string, initial: Tensor | "zeros") => {
    const input = build.fresh("state");
    const output = build.fresh("state.next");
    state.set(input, { output, tensor: initial === "zeros" ? float32([0, 0, 0], [3]) : initial });
    return { input, output };
  };
  const group: ParameterGroup = { parameters: ["p"], learningRateScale, weightDecayScale };
  writeOptimizer(build, optimizer, "lr", declare)(group)({
    parameter: "p",
    rank: 1,
    gradient: "g",
    output: "p.next",
    declare,
  });
  const inputs = [floats("p", [3]), floats("g", [3]), floats("lr", [])];
  const model = modelOf(
    build.build(
      "update",
      [...inputs, ...[...state].map(([name, { tensor }]) => floats(name, tensor.dims))],
      [floats("p.next", null), ...[...state.values()].map(({ output }) => floats(output, null))],
    ),
  );
  let parameter: Tensor = float32([1, -0.5, 0.25], [3]);
  const path: number[][] = [];
  for (const gradient of gradients) {
    const feeds: Record<string, Tensor> = {
      p: parameter,
      g: float32(gradient, [3]),
      lr: float32([0.1], []),
    };
    for (const [name, { tensor }] of state) feeds[name] = tensor;
    const found = await run(model, { feeds });
    parameter = found["p.next"] ?? parameter;
    for (const entry of state.values()) entry.tensor = found[entry.output] ?? entry.tensor;
    path.push(Array.from(parameter.data, Number));
  }
  return path;
}

// The figures were computed by PyTorch in float64.
test.each<[string, Optimizer, number[][]]>([
  [
    "AdamW",
    { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.05 },
    [
      [0.895000002, -0.397500001, 0.1487500005],
      [0.7973070404674624, -0.3688787973659032, 0.11141046168203318],
      [0.8139562076730742, -0.35367842530554305, 0.05813126026821257],
    ],
  ],
  [
    "AdamW with a large epsilon and no decay",
    { kind: "adamw", beta1: 0.8, beta2: 0.95, epsilon: 0.1, weightDecay: 0 },
    [
      [0.9166666666666666, -0.40909090909090906, 0.15476190476190477],
      [0.8433047331005552, -0.3902471161489659, 0.1251688617092479],
      [0.8688138772331295, -0.3838477397250483, 0.07745175610252515],
    ],
  ],
  [
    "SGD with momentum",
    { kind: "sgd", momentum: 0.9, nesterov: false, weightDecay: 0.05 },
    [
      [0.945, -0.3975, 0.04875],
      [0.865775, -0.3532625, -0.05761875],
      [0.890143625, -0.3241824375, -0.25306253125],
    ],
  ],
  [
    "SGD with Nesterov momentum",
    { kind: "sgd", momentum: 0.9, nesterov: true, weightDecay: 0.05 },
    [
      [0.8955, -0.30525, -0.132375],
      [0.79494275, -0.314325125, -0.1516299375],
      [0.913419018875, -0.2996302738125, -0.42561458434375],
    ],
  ],
  [
    "plain SGD",
    { kind: "sgd", momentum: 0, nesterov: false, weightDecay: 0 },
    [
      [0.95, -0.4, 0.05],
      [0.925, -0.45, 0.125],
      [1.025, -0.4625, 0.025],
    ],
  ],
])("%s follows PyTorch", async (_, optimizer, wanted) => {
  const found = await steps(optimizer);
  wanted.forEach((values, step) => {
    values.forEach((value, index) => {
      expect(found[step]?.[index]).toBeCloseTo(value, 6);
    });
  });
});

test.each<Optimizer>([
  { kind: "sgd", momentum: 0.9, nesterov: false, weightDecay: 0.1 },
  { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.1 },
])("a group scales learning rate and weight decay of $kind", async (optimizer) => {
  const scaled = await steps(optimizer, { learningRateScale: 0, weightDecayScale: 1 });
  expect(scaled.at(-1)).toEqual([1, -0.5, 0.25]);
  const undecayed = await steps(optimizer, { weightDecayScale: 0 });
  expect(undecayed).toEqual(await steps({ ...optimizer, weightDecay: 0 }));
});
