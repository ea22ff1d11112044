import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { real } from "../../onnx/attributes.ts";
import type { AttributeInput } from "../../onnx/build.ts";
import { float32, scalar } from "../../onnx/tensor.ts";
import { expectGradients, randomTensor } from "../finite-differences.fixture.ts";
import { evaluate } from "./composite.fixture.ts";
import { axisOf, check, seeds, shapes, tensorAwayFrom } from "./shapes.fixture.ts";

const positives = fc.integer({ min: 1, max: 20 }).map((tenths) => tenths / 10);
const some = (name: string, values: fc.Arbitrary<number>) =>
  fc.option(
    values.map((value): Record<string, AttributeInput> => ({ [name]: real(value) })),
    {
      nil: {},
    },
  );
const none = fc.constant<Record<string, AttributeInput>>({});

interface Activation {
  readonly op: string;
  readonly attributes?: fc.Arbitrary<Record<string, AttributeInput>>;
  readonly kinks?: readonly number[];
}

const activations: readonly Activation[] = [
  { op: "Relu", kinks: [0] },
  { op: "LeakyRelu", attributes: some("alpha", positives), kinks: [0] },
  { op: "Elu", attributes: some("alpha", positives), kinks: [0] },
  { op: "Selu", attributes: some("gamma", positives), kinks: [0] },
  { op: "Celu", attributes: some("alpha", positives), kinks: [0] },
  { op: "HardSigmoid", attributes: fc.constant({}), kinks: [-2.5, 2.5] },
  { op: "HardSigmoid", attributes: fc.constant({ alpha: 1 / 6, beta: 0.5 }), kinks: [-3, 3] },
  { op: "HardSwish", kinks: [-3, 3] },
  { op: "Sigmoid" },
  { op: "Tanh" },
  { op: "Softplus" },
  { op: "Softsign", kinks: [0] },
  { op: "Mish" },
  { op: "Gelu" },
  { op: "Gelu", attributes: fc.constant({ approximate: "tanh" }) },
  { op: "Erf" },
];

describe("gradients agree with finite differences", () => {
  test.each(activations)("$op", ({ op, attributes = none, kinks = [] }) =>
    check(fc.tuple(shapes(), seeds, attributes), ([dims, seed, attributes]) =>
      expectGradients({ op, attributes, seed, inputs: [tensorAwayFrom(kinks, dims, seed)] }),
    ),
  );

  test("PRelu, its slope broadcast", () =>
    check(fc.tuple(shapes(2, 4), seeds, fc.boolean()), ([dims, seed, shared]) => {
      const slope = dims.slice(1).map((dim, axis) => (shared || axis > 0 ? 1 : dim));
      const inputs = [tensorAwayFrom([0], dims, seed), randomTensor(slope, seed)];
      return expectGradients({ op: "PRelu", inputs, seed });
    }));

  const bounds = [
    { name: "ReLU6", low: 0, high: 6 },
    { name: "symmetric", low: -1, high: 1 },
    { name: "bounds without an exact centre", low: -0.1, high: 1.7 },
    { name: "a lower bound of 0", low: 0 },
    { name: "a lower bound", low: -1.3 },
    { name: "an upper bound", high: 2.2 },
    { name: "no bound" },
  ];
  test.each(bounds)("Clip with $name", ({ low, high }) =>
    check(fc.tuple(shapes(), seeds, fc.boolean()), ([dims, seed, known]) => {
      const kinks = [low, high].filter((bound) => bound !== undefined);
      const bound = (value: number | undefined) => (value === undefined ? null : scalar(value));
      const x = tensorAwayFrom(kinks, dims, seed, { low: -4, high: 8 });
      const indices = [1, 2].filter((index) => [low, high][index - 1] !== undefined);
      return expectGradients({
        op: "Clip",
        inputs: [x, bound(low), bound(high)],
        seed,
        ...(known ? { constants: indices } : { fixed: indices }),
      });
    }),
  );

  test.each(["Softmax", "LogSoftmax"])("%s", (op) =>
    check(
      shapes().chain((dims) => fc.tuple(fc.constant(dims), seeds, fc.option(axisOf(dims)))),
      ([dims, seed, axis]) =>
        expectGradients({
          op,
          inputs: [randomTensor(dims, seed, -2, 2)],
          attributes: axis === null ? {} : { axis },
          seed,
        }),
    ),
  );
});

describe("at a kink the derivative is that of the saturated side", () => {
  test.each([
    { op: "Relu", x: [-1, 0, 1e-20, 3], expected: [0, 0, 1, 1] },
    { op: "Clip", x: [-1, 0, 1e-6, 5.9999995, 6, 7], bounds: [0, 6], expected: [0, 0, 1, 1, 0, 0] },
    { op: "Clip", x: [-0.1, 1.7, 0, 1], bounds: [-0.1, 1.7], expected: [0, 0, 1, 1] },
    { op: "HardSwish", x: [-1e30, -3, 3, 1e30], expected: [0, 0, 1, 1] },
  ])("$op of $x", async ({ op, x, bounds = [], expected }) => {
    const { gradients } = await evaluate(
      (build, inputs) => build.add(op, [...inputs, ...bounds.map((bound) => build.scalar(bound))]),
      [float32(x, [x.length])],
    );
    expect(gradients).toEqual([expected]);
  });
});
