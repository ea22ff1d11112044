import * as fc from "fast-check";
import { describe, test } from "vitest";
import { elementCount, int64 } from "../../onnx/tensor.ts";
import { expectGradients, randomTensor } from "../finite-differences.fixture.ts";
import { broadcastShapes, check, seeds, shapes } from "./shapes.fixture.ts";

describe("gradients agree with finite differences", () => {
  test("Reshape, with a dimension left open or copied", () =>
    check(fc.tuple(shapes(2), seeds), ([dims, seed]) => {
      const [first = 1] = dims;
      const targets = [[-1], [0, -1], [elementCount(dims) / first, first]];
      const target = targets[seed % targets.length] ?? [-1];
      return expectGradients({
        op: "Reshape",
        inputs: [randomTensor(dims, seed), int64(target)],
        seed,
      });
    }));

  test("Flatten", () =>
    check(fc.tuple(shapes(), seeds, fc.integer({ min: 0, max: 3 })), ([dims, seed, at]) =>
      expectGradients({
        op: "Flatten",
        inputs: [randomTensor(dims, seed)],
        attributes: { axis: at % (dims.length + 1) },
        seed,
      }),
    ));

  test("Squeeze, of given axes or of all ones", () =>
    check(fc.tuple(shapes(), seeds, fc.boolean()), ([dims, seed, named]) => {
      const x = randomTensor([1, ...dims, 1], seed);
      const inputs = named ? [x, int64([0, -1])] : [x];
      return expectGradients({ op: "Squeeze", inputs, seed });
    }));

  test("Unsqueeze", () =>
    check(fc.tuple(shapes(), seeds), ([dims, seed]) =>
      expectGradients({
        op: "Unsqueeze",
        inputs: [randomTensor(dims, seed), int64([0, -1])],
        seed,
      }),
    ));

  test("Transpose", () => {
    const cases = shapes().chain((dims) => {
      const axes = dims.map((_, axis) => axis);
      const perms = fc.shuffledSubarray(axes, { minLength: dims.length });
      return fc.tuple(fc.constant(dims), seeds, fc.option(perms));
    });
    return check(cases, ([dims, seed, perm]) =>
      expectGradients({
        op: "Transpose",
        inputs: [randomTensor(dims, seed)],
        attributes: perm === null ? {} : { perm },
        seed,
      }),
    );
  });

  test("Expand", () =>
    check(fc.tuple(broadcastShapes(2), seeds), ([[from = [], to = []], seed]) =>
      expectGradients({ op: "Expand", inputs: [randomTensor(from, seed), int64(to)], seed }),
    ));

  test("Tile", () => {
    const cases = shapes().chain((dims) =>
      fc.tuple(
        fc.constant(dims),
        fc.tuple(...dims.map(() => fc.integer({ min: 1, max: 3 }))),
        seeds,
      ),
    );
    return check(cases, ([dims, repeats, seed]) =>
      expectGradients({ op: "Tile", inputs: [randomTensor(dims, seed), int64(repeats)], seed }),
    );
  });

  const blocks = fc.record({
    blocksize: fc.constantFrom(1, 2, 3),
    dims: shapes(4),
    seed: seeds,
  });

  test.each(["DCR", "CRD"])("DepthToSpace, %s", (mode) =>
    check(blocks, ({ blocksize, dims: [n = 1, c = 1, h = 1, w = 1], seed }) =>
      expectGradients({
        op: "DepthToSpace",
        inputs: [randomTensor([n, c * blocksize ** 2, h, w], seed)],
        attributes: { blocksize, mode },
        seed,
      }),
    ),
  );

  test("SpaceToDepth", () =>
    check(blocks, ({ blocksize, dims: [n = 1, c = 1, h = 1, w = 1], seed }) =>
      expectGradients({
        op: "SpaceToDepth",
        inputs: [randomTensor([n, c, h * blocksize, w * blocksize], seed)],
        attributes: { blocksize },
        seed,
      }),
    ));
});
