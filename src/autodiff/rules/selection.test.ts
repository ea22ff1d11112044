import * as fc from "fast-check";
import { describe, test } from "vitest";
import { int64 } from "../../onnx/tensor.ts";
import { expectGradients, randomTensor } from "../finite-differences.fixture.ts";
import { axisOf, check, seeds, shapes } from "./shapes.fixture.ts";

const withAxis = shapes().chain((dims) =>
  fc.record({ dims: fc.constant(dims), axis: axisOf(dims), seed: seeds }),
);

describe("gradients agree with finite differences", () => {
  test("Concat", () =>
    check(
      fc.tuple(withAxis, fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 })),
      ([{ dims, axis, seed }, sizes]) => {
        const inputs = sizes.map((size, index) => {
          const own = [...dims];
          own[axis < 0 ? axis + dims.length : axis] = size;
          return randomTensor(own, seed + index);
        });
        return expectGradients({ op: "Concat", inputs, attributes: { axis }, seed });
      },
    ));

  test("Split, some parts without a gradient", () =>
    check(
      fc.tuple(withAxis, fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 })),
      ([{ dims, axis, seed }, sizes]) => {
        const whole = [...dims];
        whole[axis < 0 ? axis + dims.length : axis] = sizes.reduce((sum, size) => sum + size);
        return expectGradients({
          op: "Split",
          inputs: [randomTensor(whole, seed), int64(sizes)],
          attributes: { axis },
          outputs: sizes.length,
          silent: sizes.length > 1 ? [seed % sizes.length] : [],
          seed,
        });
      },
    ));

  const cut = (size: number) =>
    fc.tuple(fc.integer({ min: -2 * size, max: 2 * size }), fc.constantFrom(-3, -2, -1, 1, 2, 3));
  const slices = shapes(1, 3, 6).chain((dims) =>
    fc.record({
      dims: fc.constant(dims),
      axes: fc.subarray(
        dims.map((_, axis) => axis),
        { minLength: 1 },
      ),
      cuts: fc.tuple(...dims.map((size) => cut(size))),
      lengths: fc.tuple(...dims.map((size) => fc.integer({ min: 1, max: 2 * size }))),
      seed: seeds,
    }),
  );

  test("Slice, forwards and backwards, in any stride, past either end", () =>
    check(
      slices,
      ({ dims, axes, cuts, lengths, seed }) => {
        const chosen = axes.map((axis) => {
          const size = dims[axis] ?? 1;
          const [start = 0, step = 1] = cuts[axis] ?? [];
          // A start that leaves at least one element on its way.
          const first = step > 0 ? Math.min(start, size - 1) : Math.max(start, -size);
          const place = Math.min(Math.max(first < 0 ? first + size : first, 0), size - 1);
          const end = place + Math.sign(step) * (lengths[axis] ?? 1);
          return { start: first, end: end < 0 ? end - 2 * size : end, step };
        });
        const inputs = [
          randomTensor(dims, seed),
          int64(chosen.map(({ start }) => start)),
          int64(chosen.map(({ end }) => end)),
          int64(axes.map((axis) => (seed % 2 ? axis : axis - dims.length))),
          int64(chosen.map(({ step }) => step)),
        ];
        return expectGradients({ op: "Slice", inputs, seed });
      },
      20,
    ));

  test("Slice without axes and steps", () =>
    expectGradients({
      op: "Slice",
      inputs: [randomTensor([3, 4, 2], 5), int64([1, -3]), int64([1000, -1])],
    }));

  const pads = shapes(1, 4, 4).chain((dims) =>
    fc.record({
      dims: fc.constant(dims.map((dim) => dim + 1)),
      amounts: fc.array(fc.integer({ min: -1, max: 2 }), {
        minLength: 2 * dims.length,
        maxLength: 2 * dims.length,
      }),
      seed: seeds,
    }),
  );

  test.each(["constant", "reflect", "edge", "wrap"])("Pad, %s", (mode) =>
    check(pads, ({ dims, amounts, seed }) => {
      const rank = dims.length;
      // Reflection takes no more than it has to mirror, and only constant padding crops.
      const bounded = amounts.map((amount, index) =>
        mode === "constant"
          ? Math.max(amount, (dims[index % rank] ?? 1) > 2 ? -1 : 0)
          : Math.min(Math.max(amount, 0), (dims[index % rank] ?? 1) - 1),
      );
      const inputs = [randomTensor(dims, seed), int64(bounded)];
      return expectGradients({ op: "Pad", inputs, attributes: { mode }, seed });
    }),
  );

  test.each(["constant", "reflect"])("Pad of some axes, %s", (mode) =>
    expectGradients({
      op: "Pad",
      inputs: [randomTensor([2, 3, 4], 3), int64([1, 2, 0, 1]), null, int64([-2, 2])],
      attributes: { mode },
    }),
  );

  test("Pad by amounts computed while the network runs", () =>
    expectGradients({
      op: "Pad",
      inputs: [randomTensor([2, 3, 4], 3), int64([1, -1, 0, 2]), null, int64([0, -2])],
      constants: [],
    }));

  test("CumSum", () =>
    check(
      fc.tuple(withAxis, fc.constantFrom(0, 1), fc.constantFrom(0, 1)),
      ([{ dims, axis, seed }, exclusive, reverse]) =>
        expectGradients({
          op: "CumSum",
          inputs: [randomTensor(dims, seed), { ...int64([axis]), dims: [] }],
          attributes: { exclusive, reverse },
          seed,
        }),
    ));
});
