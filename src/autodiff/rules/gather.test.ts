import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { float32, int64, type Tensor } from "../../onnx/tensor.ts";
import { expectGradients, randomNumbers, randomTensor } from "../finite-differences.fixture.ts";
import { evaluate } from "./composite.fixture.ts";
import { axisOf, check, seeds, shapes } from "./shapes.fixture.ts";

const withAxis = shapes().chain((dims) =>
  fc.record({ dims: fc.constant(dims), axis: axisOf(dims), seed: seeds }),
);

/** Seeded indices into an axis of this size, some of them counted from the end. */
function indices(dims: readonly number[], size: number, seed: number): Tensor {
  const next = randomNumbers(seed);
  const flat = Array.from(randomTensor(dims, 1).data, () => Math.floor(next(-size, size)));
  return { ...int64(flat), dims };
}

describe("gradients agree with finite differences", () => {
  test("Gather of any indices, repeated ones included", () =>
    check(fc.tuple(withAxis, shapes(0, 2), fc.boolean()), ([{ dims, axis, seed }, own, known]) =>
      expectGradients({
        op: "Gather",
        inputs: [
          randomTensor(dims, seed),
          indices(own, dims[axis < 0 ? axis + dims.length : axis] ?? 1, seed),
        ],
        attributes: { axis },
        constants: known ? [1] : [],
        seed,
      }),
    ));

  test("Gather of neighbours", () =>
    check(withAxis, ({ dims, axis, seed }) =>
      expectGradients({
        op: "Gather",
        inputs: [
          randomTensor(
            dims.map((dim) => dim + 2),
            seed,
          ),
          int64([1, 2]),
        ],
        attributes: { axis },
        seed,
      }),
    ));

  test("GatherElements", () =>
    check(withAxis, ({ dims, axis, seed }) =>
      expectGradients({
        op: "GatherElements",
        inputs: [
          randomTensor(dims, seed),
          indices(dims, dims[axis < 0 ? axis + dims.length : axis] ?? 1, seed),
        ],
        attributes: { axis },
        seed,
      }),
    ));

  test("GatherND", () =>
    check(fc.tuple(shapes(2, 4), seeds), ([dims, seed]) => {
      const smallest = Math.min(...dims.slice(0, 2));
      const inputs = [randomTensor(dims, seed), indices([3, 2], smallest, seed)];
      return expectGradients({ op: "GatherND", inputs, seed });
    }));

  test.each(["none", "add"])("ScatterElements, %s", (reduction) =>
    check(withAxis, ({ dims, axis, seed }) => {
      const at = axis < 0 ? axis + dims.length : axis;
      const places = { ...randomTensor(dims, 1) };
      const size = dims[at] ?? 1;
      const inner = dims.slice(at + 1).reduce((product, dim) => product * dim, 1);
      // A rotation along the axis: every place is written once.
      const flat = Array.from(places.data, (_, index) => (Math.floor(index / inner) + seed) % size);
      const indices: Tensor = { ...int64(flat), dims };
      const inputs = [randomTensor(dims, seed), indices, randomTensor(dims, seed + 1)];
      return expectGradients({
        op: "ScatterElements",
        inputs,
        attributes: { axis, reduction },
        seed,
      });
    }),
  );

  test.each(["none", "add"])("ScatterND, %s", (reduction) =>
    check(fc.tuple(shapes(2, 4), seeds), ([dims, seed]) => {
      const [rows = 1, columns = 1, ...rest] = dims;
      const indices: Tensor = { ...int64([rows - 1, 0, 0, columns - 1]), dims: [2, 2] };
      const distinct = rows > 1 || columns > 1;
      const inputs = [
        randomTensor(dims, seed),
        distinct ? indices : { ...int64([0, 0]), dims: [1, 2] },
        randomTensor([distinct ? 2 : 1, ...rest], seed + 1),
      ];
      return expectGradients({ op: "ScatterND", inputs, attributes: { reduction }, seed });
    }),
  );
});

test("repeated indices add up", async () => {
  const { gradients } = await evaluate(
    (build, inputs) => build.add("Gather", [...inputs, build.ints([2, 0, 2, 2])]),
    [float32([1, 2, 3], [3])],
  );
  expect(gradients).toEqual([[1, 0, 3]]);
});
