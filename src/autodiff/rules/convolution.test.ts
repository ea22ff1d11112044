import fc from "fast-check";
import { describe, test } from "vitest";
import type { AttributeInput } from "../../onnx/build.ts";
import { expectGradients, randomTensor } from "../finite-differences.fixture.ts";

const seed = fc.integer({ min: 1, max: 1e6 });
const groups = fc.oneof(
  fc.record({
    group: fc.constant(1),
    inner: fc.integer({ min: 1, max: 6 }),
    outer: fc.integer({ min: 1, max: 3 }),
  }),
  fc.record({
    group: fc.integer({ min: 2, max: 3 }),
    inner: fc.integer({ min: 1, max: 2 }),
    outer: fc.integer({ min: 1, max: 2 }),
  }),
);
const axis = fc.record({
  size: fc.integer({ min: 1, max: 6 }),
  kernel: fc.integer({ min: 1, max: 3 }),
  stride: fc.integer({ min: 1, max: 3 }),
  dilation: fc.integer({ min: 1, max: 2 }),
  begin: fc.integer({ min: 0, max: 2 }),
  end: fc.integer({ min: 0, max: 2 }),
});
const geometry = fc
  .integer({ min: 1, max: 3 })
  .chain((rank) => fc.array(axis, { minLength: rank, maxLength: rank }));
const autoPad = fc.constantFrom("NOTSET", "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID");

const span = ({ kernel, dilation }: { kernel: number; dilation: number }) =>
  (kernel - 1) * dilation + 1;

describe("Conv", () => {
  test("groups, strides, dilations, pads, auto_pad, in one to three dimensions", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 2 }),
        groups,
        geometry,
        autoPad,
        fc.boolean(),
        seed,
        async (batch, { group, inner, outer }, axes, autoPad, bias, seed) => {
          const padded = autoPad === "NOTSET";
          // ONNX Runtime refuses SAME padding together with dilation.
          const spatial = axes.map((axis) => ({
            ...axis,
            dilation: autoPad.startsWith("SAME") ? 1 : axis.dilation,
          }));
          for (const axis of spatial) {
            const room = padded ? axis.begin + axis.end : 0;
            fc.pre(autoPad.startsWith("SAME") || axis.size + room >= span(axis));
          }
          const attributes: Record<string, AttributeInput> = {
            group,
            strides: spatial.map((axis) => axis.stride),
            dilations: spatial.map((axis) => axis.dilation),
            kernel_shape: spatial.map((axis) => axis.kernel),
            ...(padded
              ? { pads: [...spatial.map((axis) => axis.begin), ...spatial.map((axis) => axis.end)] }
              : { auto_pad: autoPad }),
          };
          const x = randomTensor([batch, group * inner, ...spatial.map((axis) => axis.size)], seed);
          const w = randomTensor(
            [group * outer, inner, ...spatial.map((axis) => axis.kernel)],
            seed + 1,
          );
          const b = randomTensor([group * outer], seed + 2);
          await expectGradients({
            op: "Conv",
            inputs: bias ? [x, w, b] : [x, w],
            attributes,
            seed,
            step: 0.5,
          });
        },
      ),
      { numRuns: 60 },
    );
  });

  test("maps large enough for products picture by picture", async () => {
    const x = randomTensor([2, 5, 21, 20], 1);
    const pointwise = randomTensor([2, 5, 1, 1], 2);
    await expectGradients({ op: "Conv", inputs: [x, pointwise], step: 0.5 });
    const w = randomTensor([2, 5, 3, 2], 2);
    const pads = [1, 1, 1, 0];
    await expectGradients({ op: "Conv", inputs: [x, w], attributes: { pads }, step: 0.5 });
  });
});

describe("ConvTranspose", () => {
  test("groups, strides, dilations, pads, output padding", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 2 }),
        groups,
        fc.array(axis, { minLength: 1, maxLength: 2 }),
        fc.array(fc.nat(2), { minLength: 2, maxLength: 2 }),
        fc.boolean(),
        seed,
        async (batch, { group, inner, outer }, axes, added, bias, seed) => {
          const extra = axes.map(({ stride }, index) => Math.min(added[index] ?? 0, stride - 1));
          const output = axes.map(
            (axis, index) =>
              (Math.min(axis.size, 4) - 1) * axis.stride +
              span(axis) +
              (extra[index] ?? 0) -
              axis.begin -
              axis.end,
          );
          fc.pre(output.every((size) => size > 0));
          const x = randomTensor(
            [batch, group * inner, ...axes.map((axis) => Math.min(axis.size, 4))],
            seed,
          );
          const w = randomTensor(
            [group * inner, outer, ...axes.map((axis) => axis.kernel)],
            seed + 1,
          );
          const b = randomTensor([group * outer], seed + 2);
          await expectGradients({
            op: "ConvTranspose",
            inputs: bias ? [x, w, b] : [x, w],
            attributes: {
              group,
              strides: axes.map((axis) => axis.stride),
              dilations: axes.map((axis) => axis.dilation),
              pads: [...axes.map((axis) => axis.begin), ...axes.map((axis) => axis.end)],
              output_padding: extra,
            },
            seed,
            step: 0.5,
          });
        },
      ),
      { numRuns: 50 },
    );
  });

  test.each(["SAME_UPPER", "SAME_LOWER", "VALID"])("auto_pad %s", async (autoPad) => {
    const inputs = [randomTensor([1, 2, 4, 3], 1), randomTensor([2, 3, 3, 4], 2)];
    const attributes = { auto_pad: autoPad, strides: [2, 1] };
    await expectGradients({ op: "ConvTranspose", inputs, attributes, step: 0.5 });
  });

  test.each(["NOTSET", "SAME_UPPER", "SAME_LOWER"])("output_shape with %s", async (autoPad) => {
    const inputs = [randomTensor([1, 2, 4, 3], 1), randomTensor([2, 3, 3, 4], 2)];
    const attributes = { auto_pad: autoPad, strides: [2, 2], output_shape: [8, 7] };
    await expectGradients({ op: "ConvTranspose", inputs, attributes, step: 0.5 });
  });
});
