import fc from "fast-check";
import { test } from "vitest";
import { distinctTensor, expectGradients, randomTensor } from "../finite-differences.fixture.ts";

const seed = fc.integer({ min: 1, max: 1e6 });
const autoPad = fc.constantFrom("NOTSET", "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID");
const axis = fc
  .record({
    size: fc.integer({ min: 1, max: 7 }),
    kernel: fc.integer({ min: 1, max: 3 }),
    stride: fc.integer({ min: 1, max: 3 }),
    dilation: fc.integer({ min: 1, max: 2 }),
  })
  // A pad as large as the kernel would leave windows without a single element.
  .chain((axis) =>
    fc
      .record({
        begin: fc.nat(axis.kernel - 1),
        end: fc.nat(axis.kernel - 1),
      })
      .map((pads) => ({ ...axis, ...pads })),
  );
type Axis = typeof axis extends fc.Arbitrary<infer T> ? T : never;
const axes = fc
  .integer({ min: 1, max: 2 })
  .chain((rank) => fc.array(axis, { minLength: rank, maxLength: rank }));

function attributesOf(axes: readonly Axis[], autoPad: string, ceil: boolean) {
  const dilations = axes.map((axis) => (autoPad.startsWith("SAME") ? 1 : axis.dilation));
  for (const [index, axis] of axes.entries()) {
    const span = (axis.kernel - 1) * (dilations[index] ?? 1) + 1;
    const room = autoPad === "NOTSET" ? axis.begin + axis.end : 0;
    fc.pre(autoPad.startsWith("SAME") || axis.size + room >= span);
    // A dilated window may otherwise lie in the padding alone.
    fc.pre(dilations[index] === 1 || axis.begin + axis.end === 0);
  }
  return {
    kernel_shape: axes.map((axis) => axis.kernel),
    strides: axes.map((axis) => axis.stride),
    dilations,
    ceil_mode: Number(ceil),
    ...(autoPad === "NOTSET"
      ? { pads: [...axes.map((axis) => axis.begin), ...axes.map((axis) => axis.end)] }
      : { auto_pad: autoPad }),
  };
}

test("GlobalAveragePool", async () => {
  for (const dims of [
    [2, 3, 4],
    [1, 2, 3, 5],
    [2, 1, 1, 1],
  ]) {
    await expectGradients({ op: "GlobalAveragePool", inputs: [randomTensor(dims, 3)] });
  }
});

test("AveragePool with pads counted or not, ceil mode, dilation, auto_pad", async () => {
  await fc.assert(
    fc.asyncProperty(
      axes,
      autoPad,
      fc.boolean(),
      fc.boolean(),
      seed,
      async (axes, autoPad, ceil, include, seed) => {
        const attributes = {
          ...attributesOf(axes, autoPad, ceil),
          count_include_pad: Number(include),
        };
        const x = randomTensor([2, 2, ...axes.map((axis) => axis.size)], seed);
        await expectGradients({ op: "AveragePool", inputs: [x], attributes, seed, step: 0.5 });
      },
    ),
    { numRuns: 60 },
  );
});

test("AveragePool whose windows lie side by side", async () => {
  const attributes = { kernel_shape: [2, 3], strides: [2, 3] };
  await expectGradients({ op: "AveragePool", inputs: [randomTensor([2, 3, 4, 6], 1)], attributes });
});

test("MaxPool with overlapping windows, ceil mode, dilation, pads, auto_pad", async () => {
  await fc.assert(
    fc.asyncProperty(axes, autoPad, fc.boolean(), seed, async (axes, autoPad, ceil, seed) => {
      const attributes = attributesOf(axes, autoPad, ceil);
      const x = distinctTensor([2, 2, ...axes.map((axis) => axis.size)], seed);
      await expectGradients({
        op: "MaxPool",
        inputs: [x],
        attributes,
        outputs: 2,
        silent: [1],
        seed,
        step: 0.02,
      });
    }),
    { numRuns: 60 },
  );
});

test.each(["SAME_UPPER", "SAME_LOWER"])(
  "AveragePool that leaves elements out under %s, any number of them",
  async (auto_pad) => {
    for (const [size, stride] of [
      [5, 4],
      [6, 3],
      [6, 5],
      [7, 4],
      [8, 4],
      [9, 8],
    ] as const) {
      for (const kernel of [1, 2]) {
        const attributes = { kernel_shape: [1, kernel], strides: [1, stride], auto_pad };
        const inputs = [randomTensor([1, 2, 2, size], size)];
        await expectGradients({ op: "AveragePool", inputs, attributes });
      }
    }
  },
);
