import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { float32, type Tensor } from "../onnx/tensor.ts";
import { decodeCheckpoint, encodeCheckpoint } from "./checkpoint.ts";
import { withTensors } from "./export.ts";
import { fit } from "./fit.ts";
import type { FitOptions } from "./fit-options.ts";
import { interpolate, objective } from "./interpolation.ts";
import { crossEntropies } from "./softmax.ts";
import { tinyFit, tinyNetwork } from "./tiny-task.fixture.ts";

const numbers = (tensor: Tensor | undefined) =>
  tensor?.type === "float32" ? [...tensor.data] : undefined;

/** A fit whose steps do harm, so that validation speaks for the start. */
const harmful = (prior: number, changes: Partial<FitOptions> = {}) =>
  tinyFit({
    train: tinyFit().train.map(({ sample, label }) => ({ sample, label: (label + 1) % 3 })),
    validation: Array.from({ length: 60 }, (_, i) => ({ sample: 100 + i, label: (100 + i) % 3 })),
    interpolation: { prior, losses: crossEntropies },
    ...changes,
  });

describe("weights between two networks", () => {
  const network = tinyNetwork(3);
  const start = numbers(network.graph.initializers.get("head.bias"));

  test("lie on the line between them", () => {
    fc.assert(
      fc.property(
        fc.array(fc.float({ noNaN: true, min: -8, max: 8 }), { minLength: 3, maxLength: 3 }),
        fc.constantFrom(0, 0.25, 0.5, 0.75),
        (values, coefficient) => {
          const end = new Map([["head.bias", float32(values, [3])]]);
          const mixed = numbers(interpolate(network, end, coefficient).get("head.bias"));
          expect(mixed).toEqual(
            values.map((value, i) =>
              Math.fround((start?.[i] ?? 0) + coefficient * (value - (start?.[i] ?? 0))),
            ),
          );
        },
      ),
    );
  });

  test("are the end's own at a coefficient of 1", () => {
    const end = new Map([["head.bias", float32([1, 2, 3], [3])]]);
    expect(interpolate(network, end, 1)).toBe(end);
  });
});

test("the prior decides while pictures are few and yields where they are many", () => {
  const best = (pictures: number, prior: number) =>
    [1, 0.75, 0.5, 0.25]
      .map((coefficient) => ({
        coefficient,
        value: objective(new Float64Array(pictures).fill(coefficient * 0.1), coefficient, {
          prior,
        }),
      }))
      .reduce((a, b) => (b.value < a.value ? b : a)).coefficient;
  expect(best(5, 1)).toBe(1);
  expect(best(5, 0.5)).toBe(0.5);
  expect(best(300, 1)).toBe(0.25);
});

describe("a fit that interpolates", () => {
  test("keeps the end where training helped and the prior expects it", async () => {
    const plain = await fit(tinyFit({ epochs: 8 }));
    const result = await fit(
      tinyFit({ epochs: 8, interpolation: { prior: 1, losses: crossEntropies } }),
    );
    expect(result.coefficient).toBe(1);
    expect(numbers(result.weights.get("conv"))).toEqual(numbers(plain.weights.get("conv")));
    expect(result.validationLogits).toEqual(plain.validationLogits);
  });

  test("turns back towards the start where validation speaks against training", async () => {
    const { interpolation: _, ...plain } = harmful(1);
    const { weights: end } = await fit(plain);
    const result = await fit(harmful(1));
    expect(result.coefficient).toBe(0.25);
    const start = numbers(tinyFit().network.graph.initializers.get("conv")) ?? [];
    const last = numbers(end.get("conv")) ?? [];
    const kept = numbers(result.weights.get("conv")) ?? [];
    kept.forEach((value, i) => {
      expect(value).toBeCloseTo(0.75 * (start[i] ?? 0) + 0.25 * (last[i] ?? 0), 6);
    });
  });

  test("hands back the weights and the logits of the coefficient kept, not of the last one judged", async () => {
    const plain = tinyFit({ epochs: 8 });
    const result = await fit({ ...plain, interpolation: { prior: 0.5, losses: crossEntropies } });
    expect([0.5, 0.75]).toContain(result.coefficient);
    const { weights: end } = await fit(plain);
    const expected = interpolate(plain.network, end, result.coefficient);
    for (const [name, tensor] of expected) {
      expect(numbers(result.weights.get(name))).toEqual(numbers(tensor));
    }
    // A fit that hardly moves judges the network it is given.
    const still = await fit({
      ...plain,
      network: withTensors(plain.network, result.weights),
      epochs: 1,
      learningRate: 1e-12,
    });
    result.validationLogits.forEach((logit, i) => {
      expect(logit).toBeCloseTo(still.validationLogits[i] ?? Number.NaN, 4);
    });
  });

  test("ends with the same bytes from every checkpoint", async () => {
    const checkpoints: Uint8Array[] = [];
    const whole = await fit(
      harmful(1, {
        epochs: 1,
        checkpointSeconds: 0,
        onCheckpoint: async (state) => {
          checkpoints.push(Buffer.concat(encodeCheckpoint(state)));
        },
      }),
    );
    for (const bytes of checkpoints) {
      const resumed = await fit(harmful(1, { epochs: 1, resumeFrom: decodeCheckpoint(bytes) }));
      expect(resumed.coefficient).toBe(whole.coefficient);
      expect(resumed.validationLogits).toEqual(whole.validationLogits);
      for (const [name, tensor] of whole.weights) {
        expect(numbers(resumed.weights.get(name))).toEqual(numbers(tensor));
      }
    }
    const states = checkpoints.map((bytes) => decodeCheckpoint(bytes).progress);
    expect(states.some(({ coefficients }) => coefficients?.count === 2)).toBe(true);
  });
});
