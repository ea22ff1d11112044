import { expect, test } from "vitest";
import { real } from "../../onnx/attributes.ts";
import type { GraphBuilder } from "../../onnx/build.ts";
import { randomTensor } from "../finite-differences.fixture.ts";
import { evaluate, expectCompositeGradients } from "./composite.fixture.ts";
import { check, seeds, tensorAwayFrom } from "./shapes.fixture.ts";

function reshape(build: GraphBuilder, value: string, dims: readonly number[]): string {
  return build.add("Reshape", [value, build.ints(dims)]);
}

function slice(build: GraphBuilder, value: string, axis: number, start: number, end: number) {
  return build.add("Slice", [value, ...[start, end, axis].map((each) => build.ints([each]))]);
}

function linear(build: GraphBuilder, x: string, weight: string, bias: string): string {
  return build.add("Add", [build.add("MatMul", [x, weight]), bias]);
}

const LAST = 2 ** 31 - 1;

test("multi-head attention with one fused projection: softmax(Q Kᵀ / √d) V", () =>
  check(seeds, (seed) => {
    const [batch, tokens, heads, width] = [2, 3, 2, 2];
    const inputs = [
      randomTensor([batch, tokens, heads * width], seed),
      randomTensor([heads * width, 3 * heads * width], seed + 1),
      randomTensor([3 * heads * width], seed + 2),
    ];
    return expectCompositeGradients(
      (build, [x = "", weight = "", bias = ""]) => {
        const fused = linear(build, x, weight, bias);
        const apart = reshape(build, fused, [batch, tokens, 3, heads, width]);
        const ordered = build.add("Transpose", [apart], { perm: [2, 0, 3, 1, 4] });
        const [q = "", k = "", v = ""] = [0, 1, 2].map((index) =>
          build.add("Gather", [ordered, build.ints([index])], { axis: 0 }),
        );
        const keys = build.add("Transpose", [k], { perm: [0, 1, 2, 4, 3] });
        const scores = build.add("MatMul", [q, keys]);
        const scaled = build.add("Div", [scores, build.scalar(Math.sqrt(width))]);
        const mixed = build.add("MatMul", [build.add("Softmax", [scaled], { axis: -1 }), v]);
        const merged = build.add("Transpose", [mixed], { perm: [0, 1, 3, 2, 4] });
        return reshape(build, merged, [batch, tokens, heads * width]);
      },
      inputs,
      seed,
    );
  }));

test("shifted windows: roll, partition, relative position bias, merge, roll back", () =>
  check(seeds, (seed) => {
    const [batch, side, window, channels] = [1, 4, 2, 2];
    const tokens = window * window;
    const index = [0, 1, 2, 3, 1, 0, 3, 2, 2, 3, 0, 1, 3, 2, 1, 0];
    return expectCompositeGradients(
      (build, [x = "", table = ""]) => {
        const roll = (value: string, by: number) =>
          [1, 2].reduce((rolled, axis) => {
            const parts = [slice(build, rolled, axis, by, LAST), slice(build, rolled, axis, 0, by)];
            return build.add("Concat", parts, { axis });
          }, value);
        const grid = [batch, side / window, window, side / window, window, channels];
        const swap = (value: string) =>
          build.add("Transpose", [value], { perm: [0, 1, 3, 2, 4, 5] });
        const windows = reshape(build, swap(reshape(build, roll(x, 1), grid)), [
          -1,
          tokens,
          channels,
        ]);
        const keys = build.add("Transpose", [windows], { perm: [0, 2, 1] });
        const rows = build.add("Gather", [table, build.ints(index)], { axis: 0 });
        const bias = build.add("Unsqueeze", [
          reshape(build, rows, [tokens, tokens]),
          build.ints([0]),
        ]);
        const scores = build.add("Add", [build.add("MatMul", [windows, keys]), bias]);
        const mixed = build.add("MatMul", [build.add("Softmax", [scores], { axis: -1 }), windows]);
        const shape = [batch, side / window, side / window, window, window, channels];
        const merged = reshape(build, swap(reshape(build, mixed, shape)), [
          batch,
          side,
          side,
          channels,
        ]);
        return roll(merged, -1);
      },
      [randomTensor([batch, side, side, channels], seed), randomTensor([4, 1], seed + 1)],
      seed,
    );
  }));

test("patch merging: four strided slices joined along the channels", () =>
  check(seeds, (seed) =>
    expectCompositeGradients(
      (build, [x = ""]) => {
        const parts = [0, 1].flatMap((column) =>
          [0, 1].map((row) =>
            build.add("Slice", [
              x,
              build.ints([row, column]),
              build.ints([LAST, LAST]),
              build.ints([1, 2]),
              build.ints([2, 2]),
            ]),
          ),
        );
        return build.add("Tanh", [build.add("Concat", parts, { axis: -1 })]);
      },
      [randomTensor([2, 4, 6, 3], seed)],
      seed,
    ),
  ));

test("squeeze-and-excitation: a broadcast gate from pooled features", () =>
  check(seeds, (seed) =>
    expectCompositeGradients(
      (build, [x = "", weight = ""]) => {
        const pooled = build.add("ReduceMean", [x, build.ints([2, 3])], { keepdims: 0 });
        const hidden = build.add("MatMul", [pooled, weight]);
        const gate = build.add("HardSigmoid", [hidden], { alpha: real(1 / 6), beta: real(0.5) });
        const spread = build.add("Unsqueeze", [gate, build.ints([2, 3])]);
        return build.add("Mul", [spread, x]);
      },
      [randomTensor([2, 3, 4, 5], seed), randomTensor([3, 3], seed + 1)],
      seed,
    ),
  ));

test("ConvNeXt's layer scale: a permuted block, scaled by channel, added to its input", () =>
  check(seeds, (seed) =>
    expectCompositeGradients(
      (build, [x = "", weight = "", bias = "", scale = ""]) => {
        const last = build.add("Transpose", [x], { perm: [0, 2, 3, 1] });
        const active = build.add("Gelu", [linear(build, last, weight, bias)]);
        const first = build.add("Transpose", [active], { perm: [0, 3, 1, 2] });
        return build.add("Add", [x, build.add("Mul", [scale, first])]);
      },
      [
        randomTensor([2, 3, 4, 2], seed),
        randomTensor([3, 3], seed + 1),
        randomTensor([3], seed + 2),
        randomTensor([3, 1, 1], seed + 3),
      ],
      seed,
    ),
  ));

test("layer normalization written in primitives", () =>
  check(seeds, (seed) =>
    expectCompositeGradients(
      (build, [x = "", gamma = "", beta = ""]) => {
        const mean = build.add("ReduceMean", [x, build.ints([-1])]);
        const centred = build.add("Sub", [x, mean]);
        const square = build.add("Pow", [centred, build.scalar(2)]);
        const variance = build.add("ReduceMean", [square, build.ints([-1])]);
        const deviation = build.add("Sqrt", [build.add("Add", [variance, build.scalar(0.1)])]);
        const normal = build.add("Div", [centred, deviation]);
        return build.add("Add", [build.add("Mul", [normal, gamma]), beta]);
      },
      [randomTensor([2, 3, 5], seed), randomTensor([5], seed + 1), randomTensor([5], seed + 2)],
      seed,
    ),
  ));

test("channel shuffle of half of the channels", () =>
  check(seeds, (seed) =>
    expectCompositeGradients(
      (build, [x = ""]) => {
        const [kept = "", worked = ""] = build.addMany("Split", [x, build.ints([2, 2])], 2, {
          axis: 1,
        });
        const joined = build.add("Concat", [kept, build.add("Relu", [worked])], { axis: 1 });
        const groups = reshape(build, joined, [2, 2, 2, 3, 3]);
        const shuffled = build.add("Transpose", [groups], { perm: [0, 2, 1, 3, 4] });
        return reshape(build, shuffled, [2, 4, 3, 3]);
      },
      [tensorAwayFrom([0], [2, 4, 3, 3], seed)],
      seed,
    ),
  ));

test("GELU written with the error function equals the operator, gradient included", async () => {
  const x = randomTensor([40], 3, -5, 5);
  const operator = await evaluate((build, inputs) => build.add("Gelu", inputs), [x]);
  const written = await evaluate(
    (build, [input = ""]) => {
      const error = build.add("Erf", [build.add("Div", [input, build.scalar(Math.SQRT2)])]);
      const doubled = build.add("Mul", [input, build.add("Add", [error, build.scalar(1)])]);
      return build.add("Mul", [doubled, build.scalar(0.5)]);
    },
    [x],
  );
  for (const [index, gradient] of (operator.gradients[0] ?? []).entries()) {
    expect(gradient).toBeCloseTo(written.gradients[0]?.[index] ?? Number.NaN, 5);
  }
});
