import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { float32, int64 } from "../../onnx/tensor.ts";
import { distinctTensor, expectGradients } from "../finite-differences.fixture.ts";
import { evaluate } from "./composite.fixture.ts";
import { check, seeds, shapes } from "./shapes.fixture.ts";

const reductions = [
  "ReduceSum",
  "ReduceMean",
  "ReduceMax",
  "ReduceMin",
  "ReduceL1",
  "ReduceL2",
  "ReduceSumSquare",
  "ReduceLogSumExp",
];

const cases = shapes().chain((dims) =>
  fc.record({
    dims: fc.constant(dims),
    axes: fc.option(
      fc
        .subarray(dims.map((_, axis) => axis))
        .chain((axes) =>
          fc.tuple(...axes.map((axis) => fc.constantFrom(axis, axis - dims.length))),
        ),
    ),
    keepdims: fc.constantFrom(0, 1),
    noop: fc.constantFrom(0, 1),
    seed: seeds,
  }),
);

describe("gradients agree with finite differences", () => {
  test.each(reductions)("%s", (op) =>
    check(
      cases,
      ({ dims, axes, keepdims, noop, seed }) =>
        expectGradients({
          op,
          inputs: [distinctTensor(dims, seed, 0.3), axes === null ? null : int64(axes)],
          attributes: { keepdims, noop_with_empty_axes: noop },
          step: 0.02,
          tolerance: 5e-3,
          seed,
        }),
      10,
    ),
  );
});

test("ReduceMax and ReduceMin share the gradient evenly among ties", async () => {
  const x = float32([1, 3, 3, 0, 0, 0], [2, 3]);
  const along = (op: string) =>
    evaluate((build, inputs) => build.add(op, [...inputs, build.ints([1])]), [x]);
  const third = Math.fround(1 / 3);
  expect((await along("ReduceMax")).gradients).toEqual([[0, 0.5, 0.5, third, third, third]]);
  expect((await along("ReduceMin")).gradients).toEqual([[1, 0, 0, third, third, third]]);
});

test("the gradient of a norm of 0 is 0", async () => {
  const { gradients } = await evaluate(
    (build, inputs) => build.add("ReduceL2", [...inputs, build.ints([1])]),
    [float32([0, 0, 3, 4], [2, 2])],
  );
  expect(gradients[0]?.map((value) => Math.round(value * 1e6) / 1e6)).toEqual([0, 0, 0.6, 0.8]);
});
