import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { float32, int64 } from "../../onnx/tensor.ts";
import { expectGradients, randomTensor } from "../finite-differences.fixture.ts";
import { check, seeds } from "./shapes.fixture.ts";

const transformations = [
  "half_pixel",
  "pytorch_half_pixel",
  "align_corners",
  "asymmetric",
  "half_pixel_symmetric",
];

const cases = fc.record({
  batch: fc.tuple(fc.constantFrom(1, 2), fc.constantFrom(1, 3)),
  size: fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 })),
  resized: fc.tuple(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 8 })),
  scale: fc.option(fc.tuple(fc.constantFrom(0.5, 1, 1.3, 2, 3), fc.constantFrom(0.7, 1, 1.5, 2))),
  seed: seeds,
});

describe.each(transformations)("Resize, %s", (coordinate_transformation_mode) => {
  const modes = [
    { mode: "nearest", nearest_mode: "floor" },
    { mode: "nearest", nearest_mode: "round_prefer_floor" },
    { mode: "nearest", nearest_mode: "round_prefer_ceil" },
    { mode: "nearest", nearest_mode: "ceil" },
    { mode: "linear" },
    { mode: "cubic", cubic_coeff_a: -0.75 },
  ];
  test.each(modes)("$mode $nearest_mode", (attributes) =>
    check(cases, ({ batch, size, resized, scale, seed }) => {
      // Every scale changes its axis: it neither rounds it away nor leaves it as it was.
      const own = size.map((dim, axis) => {
        const factor = scale?.[axis] ?? 1;
        return factor === 1
          ? dim
          : Math.max(dim, Math.ceil(1 / Math.min(factor, Math.abs(factor - 1))));
      });
      const x = randomTensor([...batch, ...own], seed);
      return expectGradients({
        op: "Resize",
        inputs:
          scale === null
            ? [x, null, null, int64([...batch, ...resized])]
            : [x, null, float32([1, 1, ...scale], [4])],
        fixed: [2],
        attributes: { coordinate_transformation_mode, ...attributes },
        seed,
      });
    }),
  );
});

test("Resize of named axes", () =>
  expectGradients({
    op: "Resize",
    inputs: [randomTensor([2, 1, 3, 4], 5), null, float32([1.5, 2], [2])],
    fixed: [2],
    attributes: { axes: [-2, 3], mode: "linear" },
  }));

test("Resize with antialiasing", () =>
  expectGradients({
    op: "Resize",
    inputs: [randomTensor([1, 2, 7, 6], 5), null, null, int64([1, 2, 3, 2])],
    attributes: { antialias: 1, mode: "linear" },
  }));

test("a scale that leaves its axis as it was is refused", () =>
  expect(
    expectGradients({
      op: "Resize",
      inputs: [randomTensor([1, 1, 2, 3], 1), null, float32([1, 1, 1.3, 2], [4])],
      constants: [2],
      attributes: { mode: "linear" },
    }),
  ).rejects.toMatchObject({ fault: { code: "autodiff/unsupported-attribute", where: "checked" } }));

test("cropping is refused by name", () =>
  expect(
    expectGradients({
      op: "Resize",
      inputs: [
        randomTensor([1, 1, 4, 4], 1),
        float32([0, 0, 0, 0, 1, 1, 1, 1], [8]),
        null,
        int64([1, 1, 2, 2]),
      ],
      fixed: [1],
      attributes: { coordinate_transformation_mode: "tf_crop_and_resize", mode: "linear" },
    }),
  ).rejects.toMatchObject({ fault: { code: "autodiff/unsupported-attribute", where: "checked" } }));
