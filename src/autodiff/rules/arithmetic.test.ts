import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { float32, int64, scalar, type Tensor } from "../../onnx/tensor.ts";
import {
  distinctTensor,
  expectGradients,
  randomNumbers,
  randomTensor,
} from "../finite-differences.fixture.ts";
import { evaluate } from "./composite.fixture.ts";
import { broadcastShapes, check, seeds, shapes, tensorAwayFrom } from "./shapes.fixture.ts";

const positive = { low: 0.5, high: 2 };

describe("binary operators broadcast", () => {
  test.each(["Add", "Sub", "Mul"])("%s", (op) =>
    check(fc.tuple(broadcastShapes(2), seeds), ([dims, seed]) =>
      expectGradients({ op, inputs: dims.map((own, at) => randomTensor(own, seed + at)), seed }),
    ),
  );

  test("Div", () =>
    check(fc.tuple(broadcastShapes(2), seeds), ([[a = [], b = []], seed]) => {
      const divisor = tensorAwayFrom([0], b, seed, { low: -2, high: 2, margin: 0.5 });
      return expectGradients({ op: "Div", inputs: [randomTensor(a, seed), divisor], seed });
    }));

  test("Mod of floats", () =>
    check(fc.tuple(broadcastShapes(2), seeds), ([[a = [], b = []], seed]) => {
      // Dividends at an integer and a half of any divisor keep away from the jumps.
      const divisor = tensorAwayFrom([], b, seed, { low: 0.9, high: 1.1 });
      const dividend = distinctTensor(a, seed, 1);
      const small = { ...dividend, data: dividend.data.map((value) => Math.abs(value) % 3) };
      return expectGradients({
        op: "Mod",
        inputs: [small, divisor],
        attributes: { fmod: 1 },
        seed,
      });
    }));

  test("Pow with a tensor of exponents", () =>
    check(fc.tuple(broadcastShapes(2), seeds), ([[a = [], b = []], seed]) => {
      const inputs = [tensorAwayFrom([], a, seed, positive), randomTensor(b, seed, -2, 3)];
      return expectGradients({ op: "Pow", inputs, seed });
    }));

  test("Pow with a known exponent, float or integer", () => {
    const exponents = fc.constantFrom(-2, -0.5, 0, 0.5, 1, 1.5, 2, 3);
    return check(
      fc.tuple(shapes(), exponents, seeds),
      ([dims, exponent, seed]) => {
        const known = seed % 2 && Number.isInteger(exponent) ? int64([exponent]) : scalar(exponent);
        const inputs = [tensorAwayFrom([], dims, seed, positive), known];
        return expectGradients({ op: "Pow", inputs, constants: [1], seed });
      },
      16,
    );
  });

  test("Pow of negative bases", () =>
    expectGradients({
      op: "Pow",
      inputs: [float32([-2, -0.5, 0, 1], [4]), scalar(2)],
      constants: [1],
    }));
});

describe("variadic operators broadcast", () => {
  const several = fc.integer({ min: 1, max: 4 }).chain(broadcastShapes);

  test.each(["Sum", "Mean"])("%s", (op) =>
    check(fc.tuple(several, seeds), ([dims, seed]) =>
      expectGradients({ op, inputs: dims.map((own, at) => randomTensor(own, seed + at)), seed }),
    ),
  );

  test.each(["Max", "Min"])("%s", (op) =>
    check(
      fc.tuple(several, seeds),
      ([dims, seed]) => {
        // Different offsets for each input keep every pair of elements apart.
        const inputs = dims.map((own, at) => {
          const { data } = distinctTensor(own, seed + at, 1);
          return float32(
            data.map((value) => value + at * 0.23),
            own,
          );
        });
        return expectGradients({ op, inputs, seed, step: 0.01, tolerance: 1e-2 });
      },
      10,
    ),
  );

  test("ties are shared evenly, as a central difference shares them", async () => {
    const [a, b, c] = [float32([1, 2, 3], [3]), float32([1, 5, 3], [3]), float32([0, 5, 3], [3])];
    await expectGradients({ op: "Max", inputs: [a, b] });
    await expectGradients({ op: "Min", inputs: [a, b] });
    const third = Math.fround(1 / 3);
    const { gradients } = await evaluate((build, all) => build.add("Max", all), [a, b, c]);
    expect(gradients).toEqual([
      [0.5, 0, third],
      [0.5, 0.5, third],
      [0, 0.5, third],
    ]);
  });
});

describe("operators of one tensor", () => {
  const ranges = [
    { op: "Neg", range: {} },
    { op: "Abs", range: {}, kinks: [0] },
    { op: "Reciprocal", range: { margin: 0.5 }, kinks: [0] },
    { op: "Exp", range: { low: -2, high: 2 } },
    { op: "Log", range: positive },
    { op: "Sqrt", range: positive },
    { op: "Sin", range: {} },
    { op: "Cos", range: {} },
    { op: "Identity", range: {} },
    { op: "Dropout", range: {} },
  ];
  test.each(ranges)("$op", ({ op, range, kinks = [] }) =>
    check(fc.tuple(shapes(), seeds), ([dims, seed]) =>
      expectGradients({ op, inputs: [tensorAwayFrom(kinks, dims, seed, range)], seed }),
    ),
  );

  test("Cast between floating types hands the gradient on", () =>
    check(fc.tuple(shapes(), seeds), ([dims, seed]) =>
      expectGradients({
        op: "Cast",
        inputs: [randomTensor(dims, seed)],
        attributes: { to: 1 },
        seed,
      }),
    ));
});

test("Where broadcasts its condition and both branches", () =>
  check(fc.tuple(broadcastShapes(3), seeds), ([[condition = [], a = [], b = []], seed]) => {
    const next = randomNumbers(seed);
    const data = Uint8Array.from(randomTensor(condition, seed).data, () =>
      next(0, 1) < 0.5 ? 1 : 0,
    );
    const mask: Tensor = { type: "bool", dims: condition, data };
    const inputs = [mask, randomTensor(a, seed), randomTensor(b, seed + 1)];
    return expectGradients({ op: "Where", inputs, constants: [], seed });
  }));
